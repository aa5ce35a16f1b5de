"""The stack with a code interpreter, its workspace and its invoke function."""

from __future__ import annotations

from typing import cast

from aws_cdk import (
    Acknowledgment,
    Annotations,
    CfnOutput,
    Duration,
    RemovalPolicy,
    Validations,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk_code_interpreter import (
    CodeInterpreter,
    ControlFunction,
    ExecutionRole,
    FunctionSettings,
    InvokeFunction,
    Network,
    SealedNetwork,
    Workspace,
)

from .deployment_stack import DeploymentStack
from .existing import (
    existing_access_log_bucket,
    existing_filesystem,
    existing_network,
    existing_security_groups,
    existing_subnets,
    existing_vpc,
)
from .settings import Settings
from .values import full_key

_REMOVAL_POLICIES = {"retain": RemovalPolicy.RETAIN, "destroy": RemovalPolicy.DESTROY}


class CodeInterpreterStack(DeploymentStack):
    """Define everything that an account needs to run code in sandboxes.

    :param settings: The settings of the deployment.
    :param network: The network of the sandboxes, if another stack defines it. Default: the network
        of the settings.
    :param sealed_network: The network of the sandboxes and the workspace, if it is sealed.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        network: Network | None = None,
        sealed_network: SealedNetwork | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            settings=settings,
            description="Amazon Bedrock AgentCore Code Interpreter",
        )
        if sealed_network is not None:
            network = Network.sealed(sealed_network)
        function_settings = self._function_settings(settings)
        control_function = ControlFunction(self, "CodeInterpreterControl", **function_settings)
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
            control_function=control_function,
            removal_policy=_REMOVAL_POLICIES[settings.interpreter_retention],
        )
        if settings.subnet_ids and not settings.security_group_ids:
            # The new group allows no outbound traffic by default. The routes of the subnets limit
            # what HTTPS can reach.
            self.code_interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS)
        self.workspace = self._workspace(settings, sealed_network)
        if settings.function_reserved_concurrency is not None:
            function_settings["reserved_concurrent_executions"] = (
                settings.function_reserved_concurrency
            )
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
            **function_settings,
        )
        if settings.alarms:
            from .monitoring import add_monitoring  # loads the modules of CloudWatch and SNS

            add_monitoring(self, settings, self.code_interpreter, self.invoke_function)
        self._add_outputs(settings)

    def _network(self, settings: Settings) -> Network:
        if settings.network == "vpc":
            return existing_network(self, settings)
        return {"sandbox": Network.sandbox, "public": Network.public}[settings.network]()

    def _function_settings(self, settings: Settings) -> FunctionSettings:
        """Return the settings of both functions."""
        found = cast(FunctionSettings, {**self.log_settings})
        if self.key is not None:
            found["environment_encryption"] = self.key
        if settings.tracing:
            found["tracing"] = lambda_.Tracing.ACTIVE
        if settings.function_vpc_id is not None:
            scope = Construct(self, "FunctionNetwork")
            vpc = existing_vpc(scope, settings.function_vpc_id)
            found["vpc"] = vpc
            found["vpc_subnets"] = existing_subnets(scope, settings.function_subnet_ids)
            found["security_groups"] = existing_security_groups(
                scope, settings.function_security_group_ids
            ) or [_new_security_group(scope, vpc)]
        return found

    def _workspace(self, settings: Settings, sealed_network: SealedNetwork | None) -> Workspace:
        allow_links = None if sealed_network is None else settings.sealed_links
        if settings.workspace_bucket_name is not None:
            bucket = s3.Bucket.from_bucket_attributes(
                self,
                "WorkspaceBucket",
                bucket_name=settings.workspace_bucket_name,
                encryption_key=self.key,
            )
            return Workspace(
                self,
                "Workspace",
                bucket=bucket,
                prefix=settings.workspace_prefix,
                sealed_network=sealed_network,
                allow_links=allow_links,
            )
        workspace = Workspace(
            self,
            "Workspace",
            prefix=settings.workspace_prefix,
            encryption_key=self.key,
            removal_policy=_REMOVAL_POLICIES[settings.workspace_retention],
            expiration=_days(settings.workspace_expiration_days),
            sealed_network=sealed_network,
            allow_links=allow_links,
            versioned=settings.workspace_versioning or settings.compliance,
            server_access_logs_bucket=existing_access_log_bucket(self, settings),
            **self.log_settings,
        )
        Annotations.of(workspace.bucket).acknowledge_warning(
            "@aws-cdk/aws-s3:accessLogsPolicyNotAdded",
            "the owner of the bucket for access logs lets Amazon S3 write them",
        )
        return workspace

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

    def _add_outputs(self, settings: Settings) -> None:
        for name, value in {
            "CodeInterpreterId": self.code_interpreter.code_interpreter_id,
            "CodeInterpreterArn": self.code_interpreter.code_interpreter_arn,
            "InvokeFunctionName": self.invoke_function.function_name,
            "InvokeFunctionArn": self.invoke_function.function_arn,
        }.items():
            CfnOutput(self, name, value=value)
        bucket = CfnOutput(self, "WorkspaceBucketName", value=self.workspace.bucket.bucket_name)
        if settings.workspace_retention == "retain":
            bucket.description = (
                "Stays when the stack is deleted. To use its files in the next deployment, set "
                f"{full_key('workspace-bucket-name')} to this name."
            )


def _seconds(seconds: int | None) -> Duration | None:
    return None if seconds is None else Duration.seconds(seconds)


def _days(days: int | None) -> Duration | None:
    return None if days is None else Duration.days(days)


def _new_security_group(scope: Construct, vpc: ec2.IVpc) -> ec2.ISecurityGroup:
    group = ec2.SecurityGroup(
        scope,
        "SecurityGroup",
        vpc=vpc,
        allow_all_outbound=False,
        description="Functions of a code interpreter",
    )
    group.connections.allow_to_any_ipv4(ec2.Port.HTTPS, "AWS APIs")
    return group
