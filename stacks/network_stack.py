"""The stack with the VPC of a code interpreter."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Aws, CfnMapping, Fn, RemovalPolicy, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

from cdk_code_interpreter import SUPPORTED_ZONE_IDS, Network

from .deployment_stack import DeploymentStack
from .settings import Settings

_ZONES = 2


class NetworkStack(DeploymentStack):
    """Define a VPC from which sandboxes reach Amazon S3 and, with `internet`, the internet.

    The VPC has its own stack, because AgentCore keeps network interfaces in the subnets for up to 8
    hours after a code interpreter is deleted. Destroy the stack after that time.

    The subnets name their availability zones by id, because a zone's name differs between accounts.
    The S3 endpoint allows only principals and buckets of this account. DNS still resolves names,
    which code in a sandbox can use to send data out; Route 53 Resolver DNS Firewall prevents that.

    :param settings: The settings of the deployment. With `vpc_internet`, sandboxes reach the
        internet with HTTPS, through a NAT gateway that AWS charges by the hour.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(
            scope,
            construct_id,
            settings=settings,
            description="Network of an Amazon Bedrock AgentCore interpreter",
        )
        self.vpc = self._new_vpc(
            internet=settings.vpc_internet, restrict_default_group=settings.compliance
        )
        self.security_group = ec2.SecurityGroup(
            self,
            "Sandboxes",
            vpc=self.vpc,
            allow_all_outbound=False,
            description="Sandboxes of a code interpreter",
        )
        self.security_group.connections.allow_to_any_ipv4(ec2.Port.HTTPS, "Amazon S3 or internet")
        self._put_subnets_in_supported_zones()
        self._add_s3_endpoint()
        self._log_traffic()
        if settings.compliance:
            self._acknowledge_findings()

    @property
    def availability_zones(self) -> list[str]:
        """Placeholders of zones, for which CDK would ask a known account and region."""
        return [Fn.select(number, Fn.get_azs()) for number in range(_ZONES)]

    @property
    def network(self) -> Network:
        """The network for a code interpreter."""
        return Network.vpc(
            self.vpc,
            subnets=ec2.SubnetSelection(subnet_group_name="Sandboxes"),
            security_groups=[self.security_group],
        )

    def _new_vpc(self, *, internet: bool, restrict_default_group: bool) -> ec2.Vpc:
        sandboxes = ec2.SubnetConfiguration(
            name="Sandboxes",
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
            max_azs=_ZONES,
            nat_gateways=1 if internet else 0,
            create_internet_gateway=internet,
            subnet_configuration=[sandboxes, gateway],
            # Nothing uses the default group; restricting it takes another Lambda function.
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
        for subnets in (
            self.vpc.public_subnets,
            self.vpc.private_subnets,
            self.vpc.isolated_subnets,
        ):
            for number, subnet in enumerate(subnets):
                definition = subnet.node.default_child
                assert isinstance(definition, ec2.CfnSubnet)
                definition.availability_zone = None
                definition.availability_zone_id = zones.find_in_map(Aws.REGION, str(number))

    def _add_s3_endpoint(self) -> None:
        endpoint = self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        of_this_account = {"aws:PrincipalAccount": self.account, "s3:ResourceAccount": self.account}
        endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=["s3:*"],
                resources=["*"],
                conditions={"StringEquals": of_this_account},
            )
        )

    def _log_traffic(self) -> None:
        log_group = logs.LogGroup(
            self,
            "Traffic",
            retention=self.log_settings.get("log_retention", logs.RetentionDays.ONE_MONTH),
            removal_policy=self.log_settings.get("log_removal_policy", RemovalPolicy.DESTROY),
            encryption_key=self.key,
        )
        self.flow_log = self.vpc.add_flow_log(
            "FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group)
        )

    def _acknowledge_findings(self) -> None:
        """Acknowledge the findings of the compliance packs that nothing here can mend."""
        _acknowledge(
            self.vpc,
            "VPCDefaultSecurityGroupClosed",
            "a custom resource removes the rules of the default group, which the pack cannot see",
        )
        for subnet in self.vpc.public_subnets:
            _acknowledge(
                subnet,
                "VPCNoUnrestrictedRouteToIGW",
                "only the NAT gateway is in this subnet, and needs the route",
            )
        _acknowledge(
            self.flow_log, "IAMNoInlinePolicy", "the policy serves one role, and goes with it"
        )


def _acknowledge(scope: IConstruct, rule: str, reason: str) -> None:
    for pack in ("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321"):
        Validations.of(scope).acknowledge(Acknowledgment(id=f"{pack}-{rule}", reason=reason))
