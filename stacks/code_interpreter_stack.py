"""A code interpreter with its workspace and its invoke function."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from constructs import Construct

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Network, Workspace

from .settings import Settings

_REMOVAL_POLICIES = {"retain": RemovalPolicy.RETAIN, "destroy": RemovalPolicy.DESTROY}


class CodeInterpreterStack(Stack):
    """Everything that an account needs to run code in sandboxes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
    ) -> None:
        super().__init__(
            scope, construct_id, description="Amazon Bedrock AgentCore Code Interpreter"
        )
        self.code_interpreter = CodeInterpreter(
            self,
            "CodeInterpreter",
            name=settings.name,
            description=settings.description,
            network=_network(settings),
            tags=settings.tags,
        )
        self.workspace = Workspace(
            self,
            "Workspace",
            removal_policy=_REMOVAL_POLICIES[settings.workspace_retention],
            expiration=_days(settings.workspace_expiration_days),
        )
        self.invoke_function = InvokeFunction(
            self,
            "InvokeFunction",
            code_interpreter=self.code_interpreter,
            workspace=self.workspace,
            session_timeout=Duration.seconds(settings.session_timeout_seconds),
            timeout=Duration.seconds(settings.function_timeout_seconds),
            memory_size=settings.function_memory_mib,
        )
        self._add_outputs()

    def _add_outputs(self) -> None:
        function = self.invoke_function.function
        for name, value in {
            "CodeInterpreterId": self.code_interpreter.code_interpreter_id,
            "CodeInterpreterArn": self.code_interpreter.code_interpreter_arn,
            "InvokeFunctionName": function.function_name,
            "InvokeFunctionArn": function.function_arn,
            "WorkspaceBucketName": self.workspace.bucket.bucket_name,
        }.items():
            CfnOutput(self, name, value=value)


def _network(settings: Settings) -> Network:
    return {"sandbox": Network.sandbox, "public": Network.public}[settings.network]()


def _days(days: int | None) -> Duration | None:
    return None if days is None else Duration.days(days)
