"""Three apps of users who installed the library, each with settings of its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aws_cdk import App, CfnOutput, Environment, Stack, Stage
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_code_interpreter import (
    CodeInterpreter,
    ExecutionRole,
    InvokeFunction,
    Monitoring,
    Network,
    Workspace,
)

BETA, PRODUCTION = "111111111111", "222222222222"


class TheirNetwork(Stack):
    """A user's VPC stack, with an interpreter in it."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "TheirNetwork")
        vpc = ec2.Vpc(self, "Vpc", max_azs=2)
        interpreter = CodeInterpreter(self, "Sandbox", network=Network.vpc(vpc))
        interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS)


class TheirTool(Stack):
    """A function for an existing interpreter and an existing bucket."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "TheirTool")
        bucket = s3.Bucket.from_bucket_name(self, "Bucket", "a-bucket-of-theirs")
        InvokeFunction(
            self,
            "Tool",
            code_interpreter=CodeInterpreter.from_id(self, "Sandbox", "shared-abcdefghij"),
            workspace=Workspace(self, "Workspace", bucket=bucket, prefix="analysis"),
        )


class Everything(Construct):
    """Every construct of the library, with its defaults."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.interpreter = CodeInterpreter(
            self, "Sandbox", execution_role=ExecutionRole(self, "Role"), tags={"team": "data"}
        )
        self.workspace = Workspace(self, "Workspace")
        self.tool = InvokeFunction(
            self, "Tool", code_interpreter=self.interpreter, workspace=self.workspace
        )
        self.monitoring = Monitoring(
            self,
            "Monitoring",
            code_interpreter=self.interpreter,
            function=self.tool.function,
        )
        CfnOutput(self, "FunctionName", value=self.tool.function.function_name)


class TheirGateway(Stack):
    """The function as a target of a gateway."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "TheirGateway")
        gateway = agentcore.Gateway(self, "Gateway")
        Everything(self, "Everything").tool.add_gateway_target(gateway)


def everything(app: App) -> None:
    """Define copies in one stack, and in a second stage in another region."""
    beta, production = Stage(app, "Beta"), Stage(app, "Production")
    for stage, account, region, count in (
        (beta, BETA, "us-east-1", 2),
        (production, PRODUCTION, "eu-central-1", 1),
    ):
        stack = Stack(stage, region, env=Environment(account=account, region=region))
        for number in range(count):
            Everything(stack, f"Everything{number}")
    TheirGateway(app)


APPS = {"network": TheirNetwork, "tool": TheirTool, "everything": everything}


def synthesise(output: Path, names: Iterable[str] = APPS) -> None:
    """Write each app's cloud assembly into a folder of its name."""
    for name in names:
        app = App(outdir=str(output / name), builtin_cloud_formation_validation=False)
        APPS[name](app)
        app.synth()
