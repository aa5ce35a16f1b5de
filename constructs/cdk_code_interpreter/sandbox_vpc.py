"""A VPC for sandboxes, in the availability zones that AgentCore supports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from aws_cdk import Annotations, Aws, CfnMapping, Tags
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from ._private.arguments import check_arguments
from ._private.availability_zones import SUPPORTED_ZONE_IDS, check_region_with_zones
from ._private.log_group import new_log_group
from .function_settings import LogSettings

_ZONES = 2
_SUBNETS = "Sandboxes"


class SandboxVpc(Construct):
    """Define a VPC with two subnets for sandboxes, and a log of all its traffic.

    The subnets name their availability zones by id, because a zone's name differs between accounts,
    and AgentCore supports some zones of a region only. The VPC has no IPv6 addresses.

    In a stack with an account and a region, CDK looks up the zones' names all the same, once, with
    credentials. A stack whose property `availability_zones` returns two names saves the look-up.

    AgentCore keeps network interfaces in the subnets for up to 8 hours after a code interpreter is
    deleted. Define the VPC in another stack than the code interpreter, and destroy that stack after
    this time.

    :param internet: Whether the subnets have a route to the internet, through a NAT gateway that
        AWS charges by the hour. Code can then send what it reads to any host that its security
        groups allow, and a warning says so. Default: no, and no internet gateway either.
    :param dns: Whether the VPC resolves names. Security groups do not filter DNS, so code can send
        out data in the names that it looks up. Default: yes.
    :param ip_addresses: Default: 10.0.0.0/16.
    :param restrict_default_security_group: Whether a custom resource removes the rules of the VPC's
        default group, which nothing here uses. It takes a Lambda function of CDK's. Default: no.
    :param settings: Settings of the log group: see `LogSettings`.
    :ivar vpc: The VPC.
    :ivar subnets: The subnets of the sandboxes.
    :ivar flow_log: The flow log of the VPC.
    :ivar traffic_log: The log group of the flow log.
    :raises ValueError: if AgentCore supports no zone in the stack's region.
    """

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        internet: bool = False,
        dns: bool = True,
        ip_addresses: ec2.IIpAddresses | None = None,
        restrict_default_security_group: bool = False,
        **settings: Unpack[LogSettings],
    ) -> None:
        check_region_with_zones(scope)
        super().__init__(scope, construct_id)
        self.vpc = self._new_vpc(
            internet, dns, ip_addresses, restrict_default_group=restrict_default_security_group
        )
        self.subnets = ec2.SubnetSelection(subnet_group_name=_SUBNETS)
        self._put_subnets_in_supported_zones()
        self.traffic_log = new_log_group(self, "Traffic", **settings)
        self.flow_log = self.vpc.add_flow_log(
            "FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(self.traffic_log)
        )
        self._name(self.flow_log)
        if internet:
            Annotations.of(self).add_warning_v2(
                "cdk-code-interpreter:internet",
                "the VPC has a NAT gateway, so code in the sandbox can send out all that it reads, "
                "to any host on the internet; use SealedNetwork, or acknowledge this warning",
            )

    def _new_vpc(
        self,
        internet: bool,
        dns: bool,
        ip_addresses: ec2.IIpAddresses | None,
        *,
        restrict_default_group: bool,
    ) -> ec2.Vpc:
        sandboxes = ec2.SubnetConfiguration(
            name=_SUBNETS,
            subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS
            if internet
            else ec2.SubnetType.PRIVATE_ISOLATED,
        )
        # Sandboxes keep their subnets when the gateway comes or goes: its addresses are reserved.
        gateway = ec2.SubnetConfiguration(
            name="Gateway",
            subnet_type=ec2.SubnetType.PUBLIC,
            map_public_ip_on_launch=False,
            reserved=not internet,
        )
        return ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ip_addresses,
            max_azs=_ZONES,
            nat_gateways=1 if internet else 0,
            create_internet_gateway=internet,
            enable_dns_hostnames=dns,
            enable_dns_support=dns,
            subnet_configuration=[sandboxes, gateway],
            restrict_default_security_group=restrict_default_group,
        )

    def _put_subnets_in_supported_zones(self) -> None:
        zones = CfnMapping(
            self,
            "Zones",
            mapping={
                region: {str(number): ids[number] for number in range(_ZONES)}
                for region, ids in SUPPORTED_ZONE_IDS.items()
            },
        )
        for subnets in self._all_subnets():
            for number, subnet in enumerate(subnets):
                definition = subnet.node.default_child
                assert isinstance(definition, ec2.CfnSubnet)
                definition.availability_zone = None
                definition.availability_zone_id = zones.find_in_map(Aws.REGION, str(number))

    def _name(self, flow_log: ec2.FlowLog) -> None:
        """Name the resources by their paths, without the ids that CDK hides in logical ids."""
        subnets = [subnet for subnets in self._all_subnets() for subnet in subnets]
        for named in (self.vpc, *subnets, flow_log):
            Tags.of(named).add("Name", named.node.path.replace("/Default", ""))

    def _all_subnets(self) -> tuple[Sequence[ec2.ISubnet], ...]:
        return self.vpc.public_subnets, self.vpc.private_subnets, self.vpc.isolated_subnets
