"""The stack with the VPC of a code interpreter.

AgentCore keeps network interfaces in the subnets for up to 8 hours after a code interpreter is
deleted. So the VPC has its own stack: destroy it after that time.
"""

from __future__ import annotations

from aws_cdk import Acknowledgment, Fn, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from cdk_code_interpreter import Network, SandboxVpc, SealedNetwork

from .deployment_stack import DeploymentStack
from .settings import Settings

_DESCRIPTION = "Network of an Amazon Bedrock AgentCore interpreter"
_ZONES = 2


class VpcStack(DeploymentStack):
    """Define a stack with a VPC."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id, settings=settings, description=_DESCRIPTION)

    @property
    def availability_zones(self) -> list[str]:
        """Placeholders of zones, for which CDK would ask a known account and region."""
        return [Fn.select(number, Fn.get_azs()) for number in range(_ZONES)]


class SealedNetworkStack(VpcStack):
    """Define a VPC from which sandboxes reach the workspace, or nothing at all.

    Its resources have the logical ids of `NetworkStack`'s, so that a deployment can change from the
    open network to the sealed one, and back, in the same subnets. The way back leads through a
    deployment without a VPC, since a route table takes one S3 endpoint.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id, settings=settings)
        # The id "Default" does not show in the logical ids.
        self.sealed_network = SealedNetwork(
            self,
            "Default",
            data_path=settings.sealed_data_path,
            s3_prefix_list_id=settings.s3_prefix_list_id,
            restrict_default_security_group=settings.compliance,
            **self.log_settings,
        )
        if settings.compliance:
            _acknowledge_findings(self.sealed_network.sandbox_vpc)


class NetworkStack(VpcStack):
    """Define a VPC from which sandboxes reach Amazon S3 and, with `vpc_internet`, the internet.

    The S3 endpoint allows only principals and buckets of this account. DNS still resolves names,
    which code in a sandbox can use to send data out; `SealedNetworkStack` prevents that.

    :param settings: The settings of the deployment. With `vpc_internet`, sandboxes reach the
        internet with HTTPS, through a NAT gateway that AWS charges by the hour. Code can then send
        what it reads to any host.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id, settings=settings)
        # The id "Default" does not show in the logical ids.
        sandboxes = SandboxVpc(
            self,
            "Default",
            internet=settings.vpc_internet,
            restrict_default_security_group=settings.compliance,
            **self.log_settings,
        )
        self.vpc = sandboxes.vpc
        self.security_group = ec2.SecurityGroup(
            self,
            "Sandboxes",
            vpc=self.vpc,
            allow_all_outbound=False,
            description="Sandboxes of a code interpreter",
        )
        self.security_group.connections.allow_to_any_ipv4(ec2.Port.HTTPS, "Amazon S3 or internet")
        self._add_s3_endpoint()
        self.network = Network.vpc(
            self.vpc, subnets=sandboxes.subnets, security_groups=[self.security_group]
        )
        if settings.compliance:
            _acknowledge_findings(sandboxes)

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


def _acknowledge_findings(sandboxes: SandboxVpc) -> None:
    """Acknowledge the findings of the compliance packs that nothing here can mend."""
    _acknowledge(
        sandboxes.vpc,
        "VPCDefaultSecurityGroupClosed",
        "a custom resource removes the rules of the default group, which the pack cannot see",
    )
    for subnet in sandboxes.vpc.public_subnets:
        _acknowledge(
            subnet,
            "VPCNoUnrestrictedRouteToIGW",
            "only the NAT gateway is in this subnet, and needs the route",
        )
    _acknowledge(
        sandboxes.flow_log, "IAMNoInlinePolicy", "the policy serves one role, and goes with it"
    )


def _acknowledge(scope: IConstruct, rule: str, reason: str) -> None:
    packs = ("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321")
    Validations.of(scope).acknowledge(
        *(Acknowledgment(id=f"{pack}-{rule}", reason=reason) for pack in packs)
    )
