"""A network from which code in sandboxes reaches what is declared, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from aws_cdk import Aws, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from ._private.arguments import check_arguments
from ._private.availability_zones import check_region_with_zones
from ._private.dns_firewall import ClosedDns, open_dns
from ._private.late_module import LateModule
from ._private.log_group import new_log_group
from ._private.permissions import READ_WRITE_OBJECTS
from ._private.s3_prefix_lists import check_s3_prefix_list, s3_prefix_list
from ._private.validation import check_free_id, check_pattern
from .function_settings import LogSettings
from .sandbox_vpc import SandboxVpc

if TYPE_CHECKING:
    from aws_cdk import aws_route53resolver as resolver
else:
    resolver = LateModule("aws_cdk.aws_route53resolver")

# "Managing your own domain lists", Amazon Route 53 developer guide.
_DOMAIN = r"(\*\.)?([A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9-]{1,63}\.?"

# The beginning of private DNS names that differ from the name of the endpoint's service: "AWS
# services that integrate with AWS PrivateLink", AWS PrivateLink guide.
_PRIVATE_NAMES = {
    "execute-api": "*.execute-api",
    "kinesis-firehose": "firehose",
    "kinesis-streams": "kinesis",
}


class SealedNetwork(Construct):
    """Define a network from which code in sandboxes reaches what is declared, and nothing else.

    The VPC has isolated subnets, no gateway to the internet and no IPv6 addresses. The security
    group lets nothing in or out, and for every DNS query the name does not exist. Logs have all
    traffic and all DNS queries. These open the network:

    - `Workspace(sealed_network=...)`: the workspace's files in Amazon S3, through an endpoint that
      admits only them, and only requests that this account's principals have signed;
    - `allow_endpoint()`: an AWS service in this account;
    - `allow_peer()`: a port of a security group or of a range of addresses;
    - `allow_domain()`: the DNS name of a peer.

    Pass it to a code interpreter as `Network.sealed(...)`. Define one for each code interpreter,
    because interpreters that share a network cannot be told apart in its logs.

    AgentCore keeps network interfaces in the subnets for up to 8 hours after a code interpreter is
    deleted. Define the network in another stack than the code interpreter. First destroy the code
    interpreter's stack, and after this time the network's.

    :param data_path: Whether the network can be opened. Without it, the VPC resolves no names at
        all, and files move through AgentCore's API alone, up to 100 MB each. Default: yes.
    :param s3_prefix_list_id: The managed prefix list with Amazon S3's addresses in the region.
        Default: the list that AWS has in 15 of the regions with AgentCore.
    :param ip_addresses: Default: 10.0.0.0/16.
    :param restrict_default_security_group: See `SandboxVpc`. Default: no.
    :param settings: Settings of the log groups: see `LogSettings`.
    :ivar sandbox_vpc: The VPC with its subnets and its flow log.
    :ivar vpc: The VPC.
    :ivar subnets: The subnets of the sandboxes.
    :ivar security_group: The security group of the sandboxes.
    :ivar data_path: Whether the network can be opened.
    :ivar traffic_log: The log group with all traffic.
    :ivar query_log: The log group with all DNS queries, or None without a data path.
    :ivar firewall: The association of DNS Firewall with the VPC, or None without a data path. A
        code interpreter is created after it.
    :raises ValueError: if AgentCore supports no zone in the stack's region, or if its prefix list
        is not known.
    """

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        data_path: bool = True,
        s3_prefix_list_id: str | None = None,
        ip_addresses: ec2.IIpAddresses | None = None,
        restrict_default_security_group: bool = False,
        **settings: Unpack[LogSettings],
    ) -> None:
        check_region_with_zones(scope)
        if s3_prefix_list_id is not None:
            check_pattern(
                "s3_prefix_list_id", s3_prefix_list_id, "pl-[0-9a-f]{8,17}", "the id of a list"
            )
        elif data_path:
            check_s3_prefix_list(scope)
        super().__init__(scope, construct_id)
        # A child with the id "Default" does not show in the logical ids of its resources.
        self.sandbox_vpc = SandboxVpc(
            self,
            "Default",
            dns=data_path,
            ip_addresses=ip_addresses,
            restrict_default_security_group=restrict_default_security_group,
            **settings,
        )
        self.vpc = self.sandbox_vpc.vpc
        self.subnets = self.sandbox_vpc.subnets
        self.traffic_log = self.sandbox_vpc.traffic_log
        self.data_path = data_path
        self.security_group = ec2.SecurityGroup(
            self,
            "Sandboxes",
            vpc=self.vpc,
            allow_all_outbound=False,
            description="Sandboxes of a code interpreter",
        )
        # EC2 lets all traffic out of a group that has no rule of its own. CDK has such a rule, but
        # removes it with the first other rule, which can be a resource outside of the group.
        self.security_group.add_egress_rule(
            ec2.Peer.ipv4("127.0.0.1/32"), ec2.Port.all_traffic(), "Nothing outside of the sandbox"
        )
        self.query_log: logs.LogGroup | None = None
        self.firewall: resolver.CfnFirewallRuleGroupAssociation | None = None
        self._dns: ClosedDns | None = None
        self._s3_prefix_list_id = s3_prefix_list_id
        self._workspace_path: str | None = None
        if data_path:
            self._dns = ClosedDns(self, self.vpc)
            self.firewall = self._dns.association
            self.query_log = self._log_queries(settings)

    @check_arguments
    def allow_endpoint(
        self,
        construct_id: str,
        *,
        service: ec2.IInterfaceVpcEndpointService,
        domains: Sequence[str] | None = None,
    ) -> ec2.InterfaceVpcEndpoint:
        """Let code reach an AWS service, through an interface endpoint in the VPC.

        The endpoint admits principals and resources of this account only. AWS charges it by the
        hour in each zone.

        :param construct_id: The id of the endpoint.
        :param service: Such as `ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER`.
        :param domains: The private DNS names of the endpoint. Default: that of most services,
            such as `secretsmanager.<region>.amazonaws.com`.
        :raises ValueError: if the network has no data path, if `construct_id` is taken, or if
            `domains` is left out and the service's name does not tell them.
        """
        self._check_data_path("allow_endpoint()")
        check_free_id(self, construct_id)
        names = _private_names(service) if domains is None else domains
        _check_domains(names)
        endpoint = ec2.InterfaceVpcEndpoint(
            self,
            construct_id,
            vpc=self.vpc,
            service=service,
            subnets=self.subnets,
            open=False,
        )
        endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=["*"],
                resources=["*"],
                conditions={
                    "StringEquals": {
                        "aws:PrincipalAccount": Aws.ACCOUNT_ID,
                        "aws:ResourceAccount": Aws.ACCOUNT_ID,
                    }
                },
            )
        )
        self.security_group.connections.allow_to_default_port(endpoint, f"to {construct_id}")
        self.allow_domain(*names)
        return endpoint

    def allow_domain(self, *domains: str) -> None:
        """Let code resolve DNS names. This opens no connection: see `allow_peer()`.

        The owner of a domain sees the queries for the names in it, which can carry data. Name only
        domains of owners that you trust with all that the code reads.

        :param domains: Such as `db.example.com`, or `*.example.com` for all names below it.
        :raises ValueError: if the network has no data path, or if a name cannot be used.
        """
        self._check_data_path("allow_domain()")
        _check_domains(domains)
        assert self._dns is not None
        self._dns.allow(domains)

    @check_arguments
    def allow_peer(
        self, peer: ec2.IConnectable, port: ec2.Port, *, description: str | None = None
    ) -> None:
        """Let code connect to a port of a peer.

        The routes of the VPC limit what it reaches: without routes of your own, peers in the VPC.

        :param peer: Such as a security group, a database, or `ec2.Peer.ipv4("10.0.1.0/24")`.
        :raises ValueError: if the network has no data path.
        """
        self._check_data_path("allow_peer()")
        self.security_group.connections.allow_to(peer, port, description)

    def _check_free(self) -> None:
        """Check that no workspace uses the network yet."""
        if self._workspace_path is not None:
            raise ValueError(
                f"the sealed network {self.node.path!r} admits the workspace "
                f"{self._workspace_path!r} already, and its routes lead to one S3 endpoint; define "
                "another SealedNetwork"
            )

    def _admit_workspace(
        self, scope: Construct, bucket: s3.IBucket, prefix: str
    ) -> ec2.GatewayVpcEndpoint | None:
        """Let code reach a workspace's files by presigned URLs, and return the endpoint.

        The endpoint and the DNS names belong to the workspace's stack. In the network's stack they
        would make it depend on the workspace, and the code interpreter's stack depends on it.
        """
        self._workspace_path = scope.node.path
        if not self.data_path:
            return None
        endpoint = ec2.GatewayVpcEndpoint(
            scope,
            "Endpoint",
            vpc=self.vpc,
            service=ec2.GatewayVpcEndpointAwsService.S3,
            subnets=[self.subnets],
        )
        endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=READ_WRITE_OBJECTS,
                resources=[bucket.arn_for_objects(f"{prefix}/*")],
                conditions={
                    "StringEquals": {
                        "aws:PrincipalAccount": Aws.ACCOUNT_ID,
                        "s3:ResourceAccount": Aws.ACCOUNT_ID,
                    }
                },
            )
        )
        s3_name = f"s3.{Aws.REGION}.{Aws.URL_SUFFIX}"
        open_dns(scope, self.vpc, [s3_name, f"{bucket.bucket_name}.{s3_name}"])
        self.security_group.add_egress_rule(
            ec2.Peer.prefix_list(self._s3_prefix_list_id or s3_prefix_list(self)),
            ec2.Port.HTTPS,
            "Amazon S3, through its endpoint",
        )
        return endpoint

    def _log_queries(self, settings: LogSettings) -> logs.LogGroup:
        log_group = new_log_group(self, "Queries", **settings)
        logging = resolver.CfnResolverQueryLoggingConfig(
            self, "QueryLog", destination_arn=log_group.log_group_arn
        )
        resolver.CfnResolverQueryLoggingConfigAssociation(
            self,
            "QueryLogAssociation",
            resolver_query_log_config_id=logging.attr_id,
            resource_id=self.vpc.vpc_id,
        )
        return log_group

    def _check_data_path(self, what: str) -> None:
        if not self.data_path:
            raise ValueError(
                f"{what} opens the sealed network {self.node.path!r}, which has data_path=False; "
                "leave data_path out, or do not open it"
            )


def _private_names(service: ec2.IInterfaceVpcEndpointService) -> list[str]:
    short = getattr(service, "short_name", "")
    if not short or "." in short or not service.private_dns_default:
        raise ValueError(
            f"the private DNS names of {short or service.name!r} are not known here; pass domains= "
            "with those that 'aws ec2 describe-vpc-endpoint-services' shows"
        )
    return [f"{_PRIVATE_NAMES.get(short, short)}.{Aws.REGION}.{Aws.URL_SUFFIX}"]


def _check_domains(domains: Sequence[str]) -> None:
    if not domains:
        raise ValueError("no domain is given; pass one or more, such as 'db.example.com'")
    for domain in domains:
        if not isinstance(domain, str):
            raise TypeError(
                f"domain {domain!r} is a {type(domain).__name__}, but it must be text; pass each "
                "domain by itself, such as allow_domain('db.example.com', 'example.org')"
            )
        if not Token.is_unresolved(domain) and not (
            len(domain) <= 255 and re.fullmatch(_DOMAIN, domain)
        ):
            raise ValueError(
                f"domain {domain!r} cannot be allowed: a domain has two or more labels of letters, "
                "digits and hyphens, such as db.example.com, and may begin with *.; change it"
            )
