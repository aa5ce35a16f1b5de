"""The network modes of a code interpreter."""

# Without `from __future__ import annotations`: `typing.get_type_hints()` would look up the names in
# the package, which `NetworkConfig` names as its module.

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Annotations, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from ._private.arguments import check_arguments
from ._private.availability_zones import report_unsupported_zones
from ._private.egress import report_missing_egress
from .limits import MAX_SECURITY_GROUPS, MAX_SUBNETS
from .sealed_network import SealedNetwork


@dataclass(frozen=True)
class NetworkConfig:
    """The network of one code interpreter, which `Network.bind()` returns.

    :ivar mode: The service's network mode: `SANDBOX`, `PUBLIC` or `VPC`.
    :ivar subnet_ids: The subnets of the sandboxes. In a VPC only.
    :ivar connections: The connections of the sandboxes. In a VPC only, None otherwise.
    """

    mode: str
    subnet_ids: Sequence[str] = ()
    connections: ec2.Connections | None = None

    def __post_init__(self) -> None:
        modes = ("SANDBOX", "PUBLIC", "VPC")
        if self.mode not in modes:
            raise ValueError(
                f"mode is {self.mode!r}, but it must be one of {', '.join(modes)}; change it"
            )
        if (self.mode == "VPC") != (self.connections is not None):
            raise ValueError(
                f"mode is {self.mode!r} and connections is {self.connections!r}, but the mode VPC, "
                "and no other, has subnet_ids and connections; change one of them"
            )

    @property
    def configuration(self) -> dict[str, Any]:
        """The custom resource's `NetworkConfiguration`."""
        if self.connections is None:
            return {"NetworkMode": self.mode}
        return {
            "NetworkMode": self.mode,
            "VpcConfig": {"Subnets": self.subnet_ids, "SecurityGroups": self.security_group_ids},
        }

    @property
    def security_group_ids(self) -> list[str]:
        """The security groups of the sandboxes, with those that were added to `connections`."""
        groups = [] if self.connections is None else self.connections.security_groups
        return [group.security_group_id for group in groups]


class Network(ABC):
    """The network mode of a code interpreter, which decides where its sandboxes can connect to.

    Create it with `Network.sandbox()`, `Network.public()`, `Network.vpc()` or `Network.sealed()`.
    """

    # False if the network is known before `bind()` to be in no VPC.
    _has_vpc = True

    @staticmethod
    def sandbox() -> "Network":
        """Return the mode without internet access.

        Sandboxes still reach Amazon S3, including presigned URLs. The mode restricts network
        access; it does not protect against data theft.
        """
        return _Sandbox()

    @staticmethod
    def public() -> "Network":
        """Return the mode with internet access.

        Code in a sandbox can send everything that it reads to any host.
        """
        return _Public()

    @staticmethod
    @check_arguments
    def vpc(
        vpc: ec2.IVpc,
        *,
        subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
    ) -> "Network":
        """Return the mode with the network access of a VPC's subnets and security groups.

        AgentCore keeps network interfaces for up to 8 hours after a code interpreter is deleted.
        Until then, the subnets and the security groups cannot be deleted. Define the VPC in another
        stack than the code interpreter.

        A code interpreter raises `ValueError` if it gets fewer or more than 1 to 16 subnets or
        security groups.

        :param vpc: The VPC.
        :param subnets: 1 to 16 subnets. Default: the VPC's private subnets.
        :param security_groups: 1 to 16 security groups. Default: a new group that allows no traffic
            until you change the code interpreter's `connections`. CloudFormation retains it when
            the code interpreter is deleted.
        :raises ValueError: if there are too few or too many subnets or security groups.
        """
        selected = _select(vpc, subnets or ec2.SubnetSelection())
        _check_count("subnets", selected, MAX_SUBNETS)
        if security_groups is not None:
            _check_count("security groups", security_groups, MAX_SECURITY_GROUPS)
        return _Vpc(vpc, selected, security_groups)

    @staticmethod
    @check_arguments
    def sealed(network: SealedNetwork) -> "Network":
        """Return the mode in which code reaches what `network` declares, and nothing else.

        The code interpreter is created after the protection of the network is in place, and uses
        its security group. Pass the network to the workspace, too: see `Workspace`.

        :param network: Define it in another stack than the code interpreter, for the reason that
            `vpc()` gives.
        """
        return _Sealed(network)

    @abstractmethod
    def bind(self, scope: Construct) -> NetworkConfig:
        """Return the network of the code interpreter `scope`, and define what it needs there."""


@dataclass(frozen=True)
class _Sandbox(Network):
    _has_vpc = False

    def bind(self, scope: Construct) -> NetworkConfig:  # noqa: ARG002 - other networks use it
        return NetworkConfig("SANDBOX")


@dataclass(frozen=True)
class _Public(Network):
    _has_vpc = False

    def bind(self, scope: Construct) -> NetworkConfig:
        Annotations.of(scope).add_warning_v2(
            "cdk-code-interpreter:publicNetwork",
            "code in the sandbox can reach the internet, so it can send out all that it reads; "
            "use Network.sandbox() or Network.vpc(), or acknowledge this warning",
        )
        return NetworkConfig("PUBLIC")


@dataclass(frozen=True)
class _Vpc(Network):
    in_vpc: ec2.IVpc
    subnets: Sequence[ec2.ISubnet]
    security_groups: Sequence[ec2.ISecurityGroup] | None

    def bind(self, scope: Construct) -> NetworkConfig:
        groups = self.security_groups
        if groups is None:
            groups = [self._new_security_group(scope)]
        _report_own_stack(scope, self.in_vpc)
        _report_public_subnets(scope, self.in_vpc, self.subnets)
        report_unsupported_zones(scope, self.subnets)
        report_missing_egress(scope, groups)
        return NetworkConfig(
            "VPC",
            subnet_ids=[subnet.subnet_id for subnet in self.subnets],
            connections=ec2.Connections(security_groups=list(groups)),
        )

    def _new_security_group(self, scope: Construct) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            scope,
            "SecurityGroup",
            vpc=self.in_vpc,
            allow_all_outbound=False,
            description="Sandboxes of a code interpreter",
        )
        # AgentCore's network interfaces use the group for hours after the code interpreter is
        # deleted, so its deletion, and with it that of the stack, would fail.
        group.apply_removal_policy(RemovalPolicy.RETAIN)
        return group


@dataclass(frozen=True)
class _Sealed(Network):
    network: SealedNetwork

    def bind(self, scope: Construct) -> NetworkConfig:
        _report_own_stack(scope, self.network.vpc)
        if self.network.firewall is not None:
            scope.node.add_dependency(self.network.firewall)
        return NetworkConfig(
            "VPC",
            subnet_ids=self.network.vpc.select_subnets(
                subnet_group_name=self.network.subnets.subnet_group_name
            ).subnet_ids,
            connections=ec2.Connections(security_groups=[self.network.security_group]),
        )


def _select(vpc: ec2.IVpc, selection: ec2.SubnetSelection) -> Sequence[ec2.ISubnet]:
    if selection.subnets is not None:
        return selection.subnets
    try:
        return vpc.select_subnets(
            availability_zones=selection.availability_zones,
            one_per_az=selection.one_per_az,
            subnet_filters=selection.subnet_filters,
            subnet_group_name=selection.subnet_group_name,
            subnet_type=selection.subnet_type,
        ).subnets
    except RuntimeError as error:  # JSII's, with CDK's reason
        raise ValueError(
            f"the subnets of VPC {vpc.node.path!r} cannot be selected: {error}; choose others with "
            "subnets=ec2.SubnetSelection(...)"
        ) from None


def _check_count(name: str, items: Sequence[object], maximum: int) -> None:
    if not 1 <= len(items) <= maximum:
        raise ValueError(
            f"{len(items)} {name} are given, but a code interpreter in a VPC takes 1 to "
            f"{maximum}; choose others with {name.replace(' ', '_')}="
        )


def _report_own_stack(scope: Construct, vpc: ec2.IVpc) -> None:
    if isinstance(vpc, ec2.Vpc) and Stack.of(vpc).node.path == Stack.of(scope).node.path:
        Annotations.of(scope).add_warning_v2(
            "cdk-code-interpreter:vpcOfOwnStack",
            "the VPC is in the code interpreter's own stack, whose deletion fails for up to 8 "
            "hours after the code interpreter is gone, because AgentCore keeps network interfaces "
            "in the subnets; define the VPC in another stack, or acknowledge this warning",
        )


def _report_public_subnets(scope: Construct, vpc: ec2.IVpc, subnets: Sequence[ec2.ISubnet]) -> None:
    public = {subnet.subnet_id for subnet in vpc.public_subnets}
    found = [subnet.node.path for subnet in subnets if subnet.subnet_id in public]
    if found:
        Annotations.of(scope).add_warning_v2(
            "cdk-code-interpreter:publicSubnet",
            f"{', '.join(found)} are public subnets, but sandboxes have private addresses only, "
            "so they reach neither the internet nor AWS through an internet gateway; choose "
            "private subnets with a NAT gateway or VPC endpoints, or acknowledge this warning",
        )
