r"""A code interpreter in an existing VPC, so that its code can reach the VPC's resources.

    cdk deploy --app "python examples/existing_vpc.py" \
        -c vpc-id=vpc-0123456789abcdef0 -c subnet-ids=subnet-0123456789abcdef0,...

The app looks nothing up, so synthesis needs no account. Choose private subnets: their routes and
VPC endpoints decide which addresses the code can reach. The interpreter's own security group allows
no ingress, and only the egress that its `connections` allow, here HTTPS.

AgentCore keeps network interfaces in the subnets for up to 8 hours after the interpreter is
deleted, so destroying the stack retains the security group. Delete the group after the interfaces.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from aws_cdk import Annotations, App, CfnOutput, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Network, Workspace


class ExistingVpcStack(Stack):
    def __init__(
        self, scope: Construct, construct_id: str, *, vpc_id: str, subnet_ids: Sequence[str]
    ) -> None:
        super().__init__(scope, construct_id)
        interpreter = CodeInterpreter(
            self, "CodeInterpreter", network=self._network(vpc_id, subnet_ids)
        )
        interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS)
        function = InvokeFunction(
            self,
            "Invoke",
            code_interpreter=interpreter,
            workspace=Workspace(self, "Workspace"),
        )
        CfnOutput(self, "CodeInterpreterId", value=interpreter.code_interpreter_id)
        CfnOutput(self, "InvokeFunctionName", value=function.function.function_name)

    def _network(self, vpc_id: str, subnet_ids: Sequence[str]) -> Network:
        """Refer to the VPC by its ids. For a VPC of the same app, use `Network.vpc(stack.vpc)`."""
        vpc = ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id=vpc_id,
            availability_zones=["unknown"],  # required, but not used: the subnets are named below
        )
        subnets = [
            ec2.Subnet.from_subnet_id(self, f"Subnet{number}", subnet_id)
            for number, subnet_id in enumerate(subnet_ids)
        ]
        Annotations.of(self).acknowledge_warning(
            "@aws-cdk/aws-ec2:noSubnetRouteTableId", "this app does not change their routes"
        )
        return Network.vpc(vpc, subnets=ec2.SubnetSelection(subnets=subnets))


def main() -> None:
    app = App()
    vpc_id = app.node.try_get_context("vpc-id")
    subnet_ids = app.node.try_get_context("subnet-ids")
    if not vpc_id or not subnet_ids:
        sys.exit(
            "error: this app needs the ids of a VPC and of its subnets: -c vpc-id=vpc-... "
            "-c subnet-ids=subnet-...,subnet-..."
        )
    ExistingVpcStack(app, "ExistingVpc", vpc_id=vpc_id, subnet_ids=subnet_ids.split(","))
    app.synth()


if __name__ == "__main__":
    main()
