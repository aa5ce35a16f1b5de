"""The stack with the VPC of a code interpreter.

AgentCore keeps network interfaces in the subnets for up to 8 hours after a code interpreter is
deleted. So the VPC has its own stack: destroy it after that time.
"""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_code_interpreter import Network, SandboxVpc, SealedNetwork

from .settings import Settings

_DESCRIPTION = "Network of an Amazon Bedrock AgentCore interpreter"


class SealedNetworkStack(Stack):
    """Define a VPC from which sandboxes reach the workspace, or nothing at all.

    Its resources have the logical ids of `NetworkStack`'s, so that a deployment can change from the
    open network to the sealed one, and back, in the same subnets.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id, description=_DESCRIPTION)
        # The id "Default" does not show in the logical ids.
        self.sealed_network = SealedNetwork(
            self,
            "Default",
            data_path=settings.sealed_data_path,
            s3_prefix_list_id=settings.s3_prefix_list_id,
        )


class NetworkStack(Stack):
    """Define a VPC from which sandboxes reach Amazon S3 and, with `internet`, the internet.

    The S3 endpoint allows only principals and buckets of this account. DNS still resolves names,
    which code in a sandbox can use to send data out; `SealedNetworkStack` prevents that.

    :param internet: Whether sandboxes reach the internet with HTTPS, through a NAT gateway that AWS
        charges by the hour. Code can then send what it reads to any host.
    """

    def __init__(self, scope: Construct, construct_id: str, *, internet: bool) -> None:
        super().__init__(scope, construct_id, description=_DESCRIPTION)
        # The id "Default" does not show in the logical ids.
        sandboxes = SandboxVpc(self, "Default", internet=internet)
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
