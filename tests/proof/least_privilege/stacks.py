"""An app with every role that the library can define, and two versions of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import (
    App,
    CfnOutput,
    CfnWaitCondition,
    CfnWaitConditionHandle,
    Duration,
    RemovalPolicy,
    Stack,
)
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.aws_lambda_destinations import SqsDestination
from constructs import Construct

from cdk_code_interpreter import (
    CodeInterpreter,
    CommandTask,
    ControlFunction,
    ExecutionRole,
    Filesystem,
    InvokeFunction,
    Monitoring,
    Network,
    SealedNetwork,
    ServiceLog,
    Workspace,
)
from tests.unit.constructs.everything import imported_s3_files

ACCOUNT = "310000000000"
REGION = "us-east-1"
AGENT_ARN = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:agent/AGENT"
GATEWAY_ARN = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:gateway/tools-0123456789"
# MiniStack does not have these types. Their roles and permissions are deployed without them.
ABSENT_TYPES = {
    "AWS::Bedrock::Agent": {"AgentArn": AGENT_ARN},
    "AWS::BedrockAgentCore::Gateway": {"GatewayArn": GATEWAY_ARN},
    "AWS::BedrockAgentCore::GatewayTarget": {},
}


class Version:
    """The app before and after an update; each reaches other permissions of the control function.

    :ivar name: The fixed name of an interpreter, which the update changes.
    :ivar fails: Whether the update of that interpreter's stack fails after its replacement.
    """

    def __init__(self, number: int, *, fails: bool = False) -> None:
        self.tags = {"team": "data", "stage": "test"} if number == 1 else {"team": "science"}
        self.description = f"version {number}"
        self.name = "before" if number == 1 else "after"
        self.fails = fails


@dataclass(frozen=True)
class Existing:
    """The resources that exist before the stacks.

    :ivar group_id: The security group of mount targets in the VPC.
    :ivar key_arn: The key of the secret.
    :ivar bucket_name: A bucket with data for code in sandboxes.
    """

    vpc_id: str
    subnet_id: str
    group_id: str
    secret_arn: str
    key_arn: str
    bucket_name: str


def define(app: App, version: Version, existing: Existing) -> None:
    sandbox(stack(app, "Sandbox"), version)
    renamed(stack(app, "Renamed"), version)
    in_vpc(stack(app, "Vpc"), version, existing)
    sealed(app, version)
    filesystems(stack(app, "Filesystems"), version, existing)
    certificates(stack(app, "Certificates"), version, existing)
    encrypted(stack(app, "Encrypted"), version)
    own_policies(stack(app, "OwnPolicies"), version, existing)
    gateway(stack(app, "Gateway"))
    agent(stack(app, "Agent"))
    states(stack(app, "States"))
    managed(stack(app, "Managed"))
    upkeep(stack(app, "Upkeep"))
    two_stacks(app, version)


def stack(app: App, name: str) -> Stack:
    return Stack(app, name)


def define_without_tags(app: App, version: Version) -> None:
    """Define what uses the permissions that do not depend on an interpreter's tags."""
    CodeInterpreter(stack(app, "WithoutTags"), "Interpreter", tags=version.tags)


def sandbox(scope: Stack, version: Version) -> None:
    """Change the tags alone, in place. CDK's function empties the bucket at the end."""
    interpreter = CodeInterpreter(scope, "Interpreter", tags=version.tags)
    workspace = Workspace(scope, "Workspace", removal_policy=RemovalPolicy.DESTROY)
    add_function(scope, interpreter, workspace)


def renamed(scope: Stack, version: Version) -> None:
    """Change a fixed name, so that the old interpreter has another name than the policy."""
    interpreter = CodeInterpreter(scope, "Interpreter", name=version.name, tags=version.tags)
    if version.fails:
        handle = CfnWaitConditionHandle(scope, "Handle").ref
        signal = CfnWaitCondition(scope, "Signal", handle=handle, timeout="1")
        signal.node.add_dependency(interpreter)


def in_vpc(scope: Stack, version: Version, existing: Existing) -> None:
    vpc = imported_vpc(scope, existing)
    settings: dict[str, Any] = {"vpc": vpc, "tracing": lambda_.Tracing.ACTIVE}
    interpreter = CodeInterpreter(
        scope,
        "Interpreter",
        description=version.description,
        network=Network.vpc(vpc),
        control_function=ControlFunction(scope, "Control", **settings),
    )
    interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS)
    add_function(scope, interpreter, Workspace(scope, "Workspace"), **settings)


def sealed(app: App, version: Version) -> None:
    network = SealedNetwork(stack(app, "SealedNetwork"), "Network", s3_prefix_list_id="pl-63a5400a")
    scope = stack(app, "Sealed")
    interpreter = CodeInterpreter(
        scope,
        "Interpreter",
        description=version.description,
        network=Network.sealed(network),
    )
    workspace = Workspace(scope, "Workspace", sealed_network=network)
    add_function(scope, interpreter, workspace)


def filesystems(scope: Stack, version: Version, existing: Existing) -> None:
    interpreter = CodeInterpreter(
        scope,
        "Interpreter",
        description=version.description,
        network=Network.vpc(imported_vpc(scope, existing)),
        execution_role=ExecutionRole(scope, "ExecutionRole"),
        filesystems=[imported_efs(scope, existing), imported_s3_files(scope)],
    )
    add_function(scope, interpreter, Workspace(scope, "Workspace"))


def certificates(scope: Stack, version: Version, existing: Existing) -> None:
    """Trust a secret whose key is known, and another whose key is not."""
    known = secretsmanager.Secret.from_secret_attributes(
        scope,
        "Known",
        secret_complete_arn=existing.secret_arn,
        encryption_key=kms.Key.from_key_arn(scope, "Key", existing.key_arn),
    )
    unknown = secretsmanager.Secret.from_secret_name_v2(scope, "Unknown", "certificate")
    interpreter = CodeInterpreter(
        scope, "Interpreter", description=version.description, certificates=[known, unknown]
    )
    add_function(scope, interpreter, Workspace(scope, "Workspace"))


def encrypted(scope: Stack, version: Version) -> None:
    """Encrypt all that the library encrypts with one key, and have all service logs delivered."""
    key = kms.Key(scope, "Key", removal_policy=RemovalPolicy.DESTROY)
    let_logs_use(key, scope)
    queue = sqs.Queue(scope, "Failures")
    interpreter = CodeInterpreter(
        scope,
        "Interpreter",
        description=version.description,
        control_function=ControlFunction(scope, "Control", environment_encryption=key),
    )
    workspace = Workspace(scope, "Workspace", encryption_key=key, prefix="files")
    function = add_function(
        scope,
        interpreter,
        workspace,
        environment_encryption=key,
        log_encryption_key=key,
        on_failure=SqsDestination(queue),
    )
    Monitoring(
        scope,
        "Monitoring",
        code_interpreter=interpreter,
        function=function,
        service_logs=list(ServiceLog),
        log_encryption_key=key,
    )


def let_logs_use(key: kms.Key, scope: Stack) -> None:
    """Add the statement that a user's key needs for log groups, without `Describe*`.

    "Encrypt log data in CloudWatch Logs using AWS Key Management Service", Amazon CloudWatch Logs
    user guide. DescribeKey has no encryption context, so it does not meet the page's condition.
    """
    groups = scope.format_arn(service="logs", resource="log-group:*")
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"logs.{REGION}.amazonaws.com")],
            actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            resources=["*"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        )
    )


def own_policies(scope: Stack, version: Version, existing: Existing) -> None:
    """Give code in sandboxes permissions of the user's own, in each form that a role takes."""
    bucket = s3.Bucket.from_bucket_name(scope, "Data", existing.bucket_name)
    listing = iam.ManagedPolicy(
        scope,
        "Listing",
        statements=[
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": "shared/*"}},
            )
        ],
    )
    role = ExecutionRole(scope, "ExecutionRole", managed_policies=[listing])
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["s3:GetObject"], resources=[bucket.arn_for_objects("shared/*")]
        )
    )
    interpreter = CodeInterpreter(
        scope, "Interpreter", description=version.description, execution_role=role
    )
    add_function(scope, interpreter, Workspace(scope, "Workspace"))


def gateway(scope: Stack) -> None:
    function = add_function(
        scope, CodeInterpreter(scope, "Interpreter"), Workspace(scope, "Workspace")
    )
    tools = agentcore.Gateway(
        scope,
        "Tools",
        authorizer_configuration=agentcore.GatewayAuthorizer.using_aws_iam(),
    )
    function.add_gateway_target(tools)


def agent(scope: Stack) -> None:
    function = add_function(
        scope, CodeInterpreter(scope, "Interpreter"), Workspace(scope, "Workspace")
    )
    function.add_action_group(bedrock.CfnAgent(scope, "Agent", agent_name="agent"))


def states(scope: Stack) -> None:
    function = add_function(
        scope,
        CodeInterpreter(scope, "Interpreter"),
        Workspace(scope, "Workspace"),
        allow_delete=False,
    )
    task = CommandTask(scope, "Task", function=function, session="states", command="true")
    machine = sfn.StateMachine(
        scope, "Machine", definition_body=sfn.DefinitionBody.from_chainable(task)
    )
    CfnOutput(scope, "MachineArn", value=machine.state_machine_arn)


def managed(scope: Stack) -> None:
    interpreter = CodeInterpreter.aws_managed(scope, "Interpreter")
    add_function(scope, interpreter, Workspace(scope, "Workspace"))


def upkeep(scope: Stack) -> None:
    """Let a schedule stop idle sandboxes and keep a spare."""
    add_function(
        scope,
        CodeInterpreter(scope, "Interpreter"),
        Workspace(scope, "Workspace"),
        idle_limit=Duration.minutes(5),
        warm_spare=True,
    )


def two_stacks(app: App, version: Version) -> None:
    """Use an interpreter of another stack, which replaces it, and grant its use to roles."""
    producer, consumer = stack(app, "Producer"), stack(app, "Consumer")
    interpreter = CodeInterpreter(producer, "Interpreter", description=version.description)
    workspace = Workspace(consumer, "Workspace")
    function = add_function(consumer, interpreter, workspace)
    reader, user, caller = (
        iam.Role(consumer, name, assumed_by=iam.AccountRootPrincipal())
        for name in ("Reader", "User", "Caller")
    )
    interpreter.grant_read(reader)
    interpreter.grant_use(user)
    workspace.grant_read_write(user)
    workspace.grant_delete(user)
    function.grant_invoke(caller)


def add_function(
    scope: Stack,
    interpreter: agentcore.ICodeInterpreterCustom,
    workspace: Workspace,
    **settings: Any,
) -> InvokeFunction:
    function = InvokeFunction(
        scope, "Invoke", code_interpreter=interpreter, workspace=workspace, **settings
    )
    CfnOutput(scope, "FunctionName", value=function.function_name)
    CfnOutput(scope, "Bucket", value=workspace.bucket.bucket_name)
    return function


def imported_efs(scope: Construct, existing: Existing) -> Filesystem:
    group = ec2.SecurityGroup.from_security_group_id(scope, "Targets", existing.group_id)
    file_system = efs.FileSystem.from_file_system_attributes(
        scope, "Efs", file_system_id="fs-01234567890123456", security_group=group
    )
    access_point = efs.AccessPoint.from_access_point_attributes(
        scope, "AccessPoint", access_point_id="fsap-01234567890123456", file_system=file_system
    )
    return Filesystem.efs(access_point, mount_path="/mnt/efs")


def imported_vpc(scope: Construct, existing: Existing) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        scope,
        "Network",
        vpc_id=existing.vpc_id,
        availability_zones=["use1-az1"],
        private_subnet_ids=[existing.subnet_id],
        private_subnet_route_table_ids=["rtb-0123456789abcdef0"],
    )


def remove_absent_types(directory: str) -> None:
    """Remove the resources that MiniStack does not have, with the references to them."""
    for path in Path(directory).glob("*.template.json"):
        template = json.loads(path.read_text())
        absent = {
            name: ABSENT_TYPES[resource["Type"]]
            for name, resource in template.get("Resources", {}).items()
            if resource["Type"] in ABSENT_TYPES
        }
        if absent:
            for name in absent:
                del template["Resources"][name]
            path.write_text(json.dumps(without_references(template, absent)))


def without_references(value: Any, absent: dict[str, dict[str, str]]) -> Any:
    """Return a template whose references to absent resources are their attributes."""
    match value:
        case {"Fn::GetAtt": [name, attribute]} if name in absent:
            return absent[name][attribute]
        case dict():
            return {
                key: [one for one in item if one not in absent]
                if key == "DependsOn" and isinstance(item, list)
                else without_references(item, absent)
                for key, item in value.items()
            }
        case list():
            return [without_references(item, absent) for item in value]
    return value
