"""The stack with a code interpreter, its workspace and its invoke function."""

from __future__ import annotations

from aws_cdk import (
    Acknowledgment,
    CfnOutput,
    Duration,
    RemovalPolicy,
    Stack,
    Validations,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk_code_interpreter import (
    CodeInterpreter,
    ExecutionRole,
    InvokeFunction,
    Monitoring,
    Network,
    Workspace,
)

from .existing import existing_filesystem, existing_network
from .settings import Settings
from .values import full_key

_REMOVAL_POLICIES = {"retain": RemovalPolicy.RETAIN, "destroy": RemovalPolicy.DESTROY}


class CodeInterpreterStack(Stack):
    """Define everything that an account needs to run code in sandboxes.

    :param settings: The settings of the deployment.
    :param network: The network of the sandboxes, if another stack defines it. Default: the network
        of the settings.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        network: Network | None = None,
    ) -> None:
        super().__init__(
            scope, construct_id, description="Amazon Bedrock AgentCore Code Interpreter"
        )
        self.code_interpreter = CodeInterpreter(
            self,
            "CodeInterpreter",
            name=settings.name,
            description=settings.description,
            network=network or self._network(settings),
            execution_role=self._execution_role(settings),
            certificates=[
                secretsmanager.Secret.from_secret_complete_arn(self, f"Certificate{number}", arn)
                for number, arn in enumerate(settings.certificate_secret_arns)
            ],
            filesystems=[
                existing_filesystem(self, f"Filesystem{number}", filesystem)
                for number, filesystem in enumerate(settings.filesystems)
            ],
            tags=settings.tags,
        )
        if settings.subnet_ids and not settings.security_group_ids:
            # The new group allows no outbound traffic by default. The routes of the subnets limit
            # what HTTPS can reach.
            self.code_interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS)
        self.workspace = self._workspace(settings)
        self.invoke_function = InvokeFunction(
            self,
            "InvokeFunction",
            code_interpreter=self.code_interpreter,
            workspace=self.workspace,
            session_timeout=Duration.seconds(settings.session_timeout_seconds),
            timeout=Duration.seconds(settings.function_timeout_seconds),
            memory_size=settings.function_memory_mib,
            allow_delete=settings.workspace_delete,
            idle_limit=_seconds(settings.idle_limit_seconds),
            warm_spare=settings.warm_spare,
        )
        if settings.alarms:
            Monitoring(
                self,
                "Monitoring",
                code_interpreter=self.code_interpreter,
                function=self.invoke_function.function,
            )
        self._add_outputs(keeps_bucket=settings.workspace_retention == "retain")

    def _network(self, settings: Settings) -> Network:
        if settings.network == "vpc":
            return existing_network(self, settings)
        return {"sandbox": Network.sandbox, "public": Network.public}[settings.network]()

    def _workspace(self, settings: Settings) -> Workspace:
        if settings.workspace_bucket_name is not None:
            bucket = s3.Bucket.from_bucket_name(
                self, "WorkspaceBucket", settings.workspace_bucket_name
            )
            return Workspace(self, "Workspace", bucket=bucket)
        return Workspace(
            self,
            "Workspace",
            removal_policy=_REMOVAL_POLICIES[settings.workspace_retention],
            expiration=_days(settings.workspace_expiration_days),
        )

    def _execution_role(self, settings: Settings) -> iam.IRole | None:
        """Return the execution role, or None if no setting needs it.

        Code in every sandbox can read its credentials.
        """
        if settings.execution_role_arn is not None:
            return iam.Role.from_role_arn(self, "ExecutionRole", settings.execution_role_arn)
        if not settings.managed_policy_arns and not settings.filesystems:
            return None
        role = ExecutionRole(
            self,
            "ExecutionRole",
            managed_policies=[
                iam.ManagedPolicy.from_managed_policy_arn(self, f"Policy{number}", arn)
                for number, arn in enumerate(settings.managed_policy_arns)
            ],
        )
        for arn in settings.managed_policy_arns:
            if ":iam::aws:policy/" in arn:
                Validations.of(role).acknowledge(
                    Acknowledgment(
                        id=f"AwsSolutions-IAM4[Policy::{arn}]",
                        reason="the setting managed-policy-arns names this AWS-managed policy",
                    )
                )
        return role

    def _add_outputs(self, *, keeps_bucket: bool) -> None:
        function = self.invoke_function.function
        for name, value in {
            "CodeInterpreterId": self.code_interpreter.code_interpreter_id,
            "CodeInterpreterArn": self.code_interpreter.code_interpreter_arn,
            "InvokeFunctionName": function.function_name,
            "InvokeFunctionArn": function.function_arn,
            "WorkspaceBucketName": self.workspace.bucket.bucket_name,
        }.items():
            CfnOutput(self, name, value=value)
        if keeps_bucket:
            output = self.node.find_child("WorkspaceBucketName")
            assert isinstance(output, CfnOutput)
            output.description = (
                "Stays when the stack is deleted. To use its files in the next deployment, set "
                f"{full_key('workspace-bucket-name')} to this name."
            )


def _seconds(seconds: int | None) -> Duration | None:
    return None if seconds is None else Duration.seconds(seconds)


def _days(days: int | None) -> Duration | None:
    return None if days is None else Duration.days(days)
