"""Uses of the library for type checkers.

Each `type: ignore` marks a mistake that a checker has to find: both checkers report one that is
not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_type

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn

from cdk_code_interpreter import (
    SUPPORTED_ZONE_IDS,
    CodeInterpreter,
    CommandTask,
    ControlFunction,
    ExecutionRole,
    Filesystem,
    FunctionSettings,
    InvokeFunction,
    LogSettings,
    Monitoring,
    Network,
    NetworkConfig,
    SandboxVpc,
    SealedNetwork,
    ServiceLog,
    Workspace,
)

assert_type(SUPPORTED_ZONE_IDS, dict[str, tuple[str, str, str]])


def code_interpreters(
    stack: Stack, vpc: ec2.IVpc, group: ec2.ISecurityGroup, files: efs.IAccessPoint, user: iam.User
) -> None:
    assert_type(Network.sandbox(), Network)
    assert_type(Network.public(), Network)
    assert_type(Network.sandbox().bind(stack), NetworkConfig)
    interpreter = CodeInterpreter(
        stack,
        "Interpreter",
        name="mine",
        network=Network.vpc(vpc, security_groups=[group]),
        execution_role=ExecutionRole(stack, "Role", role_name="sandbox"),
        tags={"team": "data"},
        filesystems=[
            Filesystem.efs(files, mount_path="/mnt/files"),
            Filesystem.s3_files(file_system_arn="", access_point_arn="", mount_path="/mnt/x"),
        ],
        control_function=ControlFunction(stack, "Control", reserved_concurrent_executions=1),
        removal_policy=RemovalPolicy.RETAIN,
    )
    assert_type(interpreter.code_interpreter_id, str)
    assert_type(interpreter.code_interpreter_arn, str)
    assert_type(interpreter.connections, ec2.Connections)
    assert_type(interpreter.control_function, ControlFunction)
    assert_type(interpreter.control_function.function, lambda_.Function)
    assert_type(interpreter.control_function.log_group, logs.ILogGroup)
    assert_type(interpreter.execution_role, iam.IRole)
    assert_type(interpreter.grant_read(user), iam.Grant)
    assert_type(interpreter.grant_use(user), iam.Grant)
    assert_type(interpreter.metric_session_duration(), cloudwatch.Metric)


def networks(stack: Stack, database: ec2.ISecurityGroup) -> None:
    sandboxes = SandboxVpc(stack, "Vpc", internet=True)
    assert_type(Network.vpc(sandboxes.vpc, subnets=sandboxes.subnets), Network)
    sealed = SealedNetwork(stack, "Sealed", ip_addresses=ec2.IpAddresses.cidr("10.1.0.0/16"))
    sealed.allow_domain("db.example.com", "*.example.org")
    sealed.allow_peer(database, ec2.Port.tcp(5432), description="database")
    sealed.allow_peer(ec2.Peer.ipv4("10.1.0.0/24"), ec2.Port.HTTPS)
    endpoint = sealed.allow_endpoint(
        "Secrets", service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER
    )
    assert_type(endpoint, ec2.InterfaceVpcEndpoint)
    assert_type(Network.sealed(sealed), Network)
    workspace = Workspace(stack, "Files", sealed_network=sealed, allow_links=True)
    assert_type(workspace.endpoint, ec2.GatewayVpcEndpoint | None)


def imports(stack: Stack) -> None:
    for imported in (
        CodeInterpreter.from_arn(stack, "Arn", "arn"),
        CodeInterpreter.from_id(stack, "Id", "shared-abcdefghij"),
        CodeInterpreter.aws_managed(stack, "Managed"),
    ):
        assert_type(imported, agentcore.ICodeInterpreterCustom)


def functions(
    stack: Stack,
    interpreter: agentcore.ICodeInterpreterCustom,
    bucket: s3.IBucket,
    gateway: agentcore.IGateway,
    key: kms.IKey,
    user: iam.User,
) -> None:
    workspace = Workspace(stack, "Workspace", expiration=Duration.days(30), versioned=True)
    assert_type(workspace.bucket, s3.IBucket)
    assert_type(workspace.prefix, str)
    assert_type(workspace.grant_read_write(user), iam.Grant)
    assert_type(workspace.grant_delete(user), iam.Grant)
    function = InvokeFunction(
        stack,
        "Function",
        code_interpreter=interpreter,
        workspace=Workspace(stack, "Theirs", bucket=bucket),
        session_timeout=Duration.hours(1),
        idle_limit=Duration.minutes(30),
        warm_spare=True,
        environment_encryption=key,
        tracing=lambda_.Tracing.ACTIVE,
    )
    assert_type(function.function, lambda_.Function)
    assert_type(function.log_group, logs.ILogGroup)
    assert_type(function.grant_invoke(user), iam.Grant)
    assert_type(function.tool_schema, agentcore.ToolSchema)
    assert_type(function.add_gateway_target(gateway), agentcore.GatewayTarget)
    settings: FunctionSettings = {"function_name": "theirs"}
    InvokeFunction(stack, "Named", code_interpreter=interpreter, workspace=workspace, **settings)
    task = CommandTask(stack, "Task", function=function, session="work", command="make")
    assert_type(task.start_state, sfn.State)
    assert_type(task.end_states, list[sfn.INextable])
    log_settings: LogSettings = {"log_retention": logs.RetentionDays.ONE_WEEK}
    monitoring = Monitoring(
        stack,
        "Monitoring",
        code_interpreter=interpreter,
        function=function.function,
        service_logs=[ServiceLog.USAGE],
        **log_settings,
    )
    assert_type(monitoring.log_groups, Mapping[ServiceLog, logs.LogGroup])
    assert_type(monitoring.alarms, list[cloudwatch.Alarm])
    assert_type(monitoring.dashboard, cloudwatch.Dashboard)


def mistakes(
    stack: Stack, interpreter: agentcore.ICodeInterpreterCustom, workspace: Workspace
) -> None:
    CodeInterpreter(stack, "1", network="VPC")  # type: ignore[arg-type]
    CodeInterpreter(stack, "2", network_mode="VPC")  # type: ignore[call-arg]
    CodeInterpreter(stack, "3", "mine")  # type: ignore[call-arg]
    CodeInterpreter(stack, "4", tags={"team": 1})  # type: ignore[dict-item]
    Network()  # type: ignore[abstract]
    Network.sandbox(vpc=None)  # type: ignore[call-arg]
    Network.sealed("Sealed")  # type: ignore[arg-type]
    Workspace(stack, "5", expiration=30)  # type: ignore[arg-type]
    str(Workspace(stack, "6").bucket_name)  # type: ignore[attr-defined]
    InvokeFunction(stack, "7", workspace=workspace)  # type: ignore[call-arg]
    InvokeFunction(stack, "8", code_interpreter="id", workspace=workspace)  # type: ignore[arg-type]
    InvokeFunction(
        stack,
        "9",
        code_interpreter=interpreter,
        workspace=workspace,
        tracing="Active",  # type: ignore[arg-type]
    )
    FunctionSettings(memory_size=1)  # type: ignore[typeddict-unknown-key]
