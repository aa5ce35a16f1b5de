"""Synthesise the same resources by hand, with the constructs of the CDK."""

from __future__ import annotations

from aws_cdk import App, Duration, RemovalPolicy, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

RUNTIME = lambda_.Runtime.PYTHON_3_14
NO_BYTE_CODE = ["**/__pycache__", "**/*.pyc", "**/.*"]


def new_function(
    scope: Construct, name: str, environment: dict[str, str] | None = None
) -> lambda_.Function:
    role = iam.Role(scope, f"{name}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group = logs.LogGroup(
        scope,
        f"{name}Logs",
        retention=logs.RetentionDays.ONE_MONTH,
        removal_policy=RemovalPolicy.DESTROY,
    )
    log_group.grant_write(role)
    return lambda_.Function(
        scope,
        name,
        code=lambda_.Code.from_asset(f"lambda/{name.lower()}", exclude=NO_BYTE_CODE),
        handler=f"code_interpreter_{name.lower()}.handler.handler",
        runtime=RUNTIME,
        architecture=lambda_.Architecture.ARM_64,
        timeout=Duration.minutes(15),
        log_group=log_group,
        role=role,
        environment=environment,
    )


app = App()
stack = Stack(app, "Stack")
interpreter = agentcore.CodeInterpreterCustom(
    stack,
    "CodeInterpreter",
    code_interpreter_custom_name="analysis",
    network_configuration=agentcore.CodeInterpreterNetworkConfiguration.using_sandbox_network(),
)
bucket = s3.Bucket(
    stack,
    "Workspace",
    block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
    enforce_ssl=True,
    lifecycle_rules=[
        s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1)),
    ],
)
new_function(stack, "Control")
invoke = new_function(
    stack,
    "Invoke",
    {
        "CODE_INTERPRETER_ID": interpreter.code_interpreter_id,
        "WORKSPACE_BUCKET": bucket.bucket_name,
    },
)
bucket.grant_read_write(invoke)
interpreter.grant_use(invoke)
app.synth()
