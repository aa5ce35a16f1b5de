"""Every resource is reachable, and each can be an existing resource of the user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnResource, Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Match, Template
from aws_cdk.aws_lambda_destinations import SqsDestination
from constructs import Construct

import cdk_code_interpreter as library
from cdk_code_interpreter import (
    CodeInterpreter,
    ControlFunction,
    ExecutionRole,
    InvokeFunction,
    Network,
    Workspace,
)

from . import everything
from .everything import ACCOUNT, MODES, imported_role, imported_vpc, new_app, resources
from .templates import only, statements

LAMBDA = iam.ServicePrincipal("lambda.amazonaws.com")


# reachable


def attributes(construct: Construct) -> list[Construct]:
    """Return the constructs that the public attributes of a construct lead to."""
    values: list[Any] = [construct.node.default_child]
    for name, value in vars(construct).items():
        if not name.startswith("_"):
            values += value if isinstance(value, list) else [value]
    values += [value.role for value in values if isinstance(value, lambda_.Function)]
    if isinstance(construct, CodeInterpreter) and construct.node.try_find_child("SecurityGroup"):
        values += construct.connections.security_groups
    return [value for value in values if isinstance(value, Construct)]


@pytest.mark.parametrize(
    "mode",
    # The other modes define a part of what these define.
    [
        pytest.param(mode, marks=() if mode in ("all options", "existing") else pytest.mark.slow)
        for mode in MODES
    ],
)
def test_every_resource_belongs_to_a_public_attribute(mode: str) -> None:
    """Resources that CDK defines for a function, a role or a bucket belong to it."""
    ours = MODES[mode](Stack(new_app(), "Test"))
    for construct in ours.constructs:
        reachable = tuple(f"{attribute.node.path}/" for attribute in attributes(construct))
        for node in construct.node.find_all():
            assert not isinstance(node, CfnResource) or f"{node.node.path}/".startswith(
                reachable
            ), f"{node.node.path} is no attribute of {type(construct).__name__}"


# roles of the users'


def build(stack: Stack, role: iam.IRole, **settings: Any) -> InvokeFunction:
    log_group = logs.LogGroup.from_log_group_name(stack, "TheirLogs", "theirs")
    interpreter = CodeInterpreter(
        stack,
        "Interpreter",
        control_function=ControlFunction(stack, "Control", role=role, log_group=log_group),
    )
    return InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=interpreter,
        workspace=Workspace(stack, "Workspace"),
        role=role,
        log_group=log_group,
        **settings,
    )


def policies(stack: Stack) -> list[dict[str, Any]]:
    template = Template.from_stack(stack)
    return [
        policy["Properties"]
        for kind in ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy")
        for policy in template.find_resources(kind).values()
    ]


MUTABLE: dict[str, Callable[[Stack], iam.IRole]] = {
    "new": lambda stack: iam.Role(stack, "Role", assumed_by=LAMBDA),
    "lazy": lambda stack: iam.LazyRole(stack, "Role", assumed_by=LAMBDA),
    "imported by ARN": lambda stack: imported_role(stack, "theirs"),
    "imported by ARN with a path": lambda stack: imported_role(stack, "of/the/company/theirs"),
    "imported by name": lambda stack: iam.Role.from_role_name(stack, "Role", "theirs"),
}
UNCHANGEABLE: dict[str, Callable[[Stack], iam.IRole]] = {
    "imported": lambda stack: imported_role(stack, "theirs", mutable=False),
    "imported with grants to resources": lambda stack: imported_role(
        stack, "theirs", mutable=False, add_grants_to_resources=True
    ),
    "new": lambda stack: iam.Role(stack, "Role", assumed_by=LAMBDA).without_policy_updates(),
    "of another account": lambda stack: iam.Role.from_role_arn(
        stack, "Role", "arn:aws:iam::222222222222:role/theirs"
    ),
}


@pytest.mark.parametrize(
    ("kind", "known"), [*((kind, False) for kind in MUTABLE), ("imported by ARN", True)]
)
def test_a_role_gets_policies_of_this_stack(kind: str, known: bool) -> None:
    stack = new_stack(known)
    role = MUTABLE[kind](stack)
    build(stack, role, vpc=imported_vpc(stack))
    name = stack.resolve(role.role_name)
    assert [policy.get("RoleName") or policy["Roles"] for policy in policies(stack)] == [
        [name],
        [name],
        name,
    ]
    found = statements(stack)
    for action in (
        "bedrock-agentcore:CreateCodeInterpreter",
        "bedrock-agentcore:InvokeCodeInterpreter",
        "ec2:CreateNetworkInterface",
        "logs:PutLogEvents",
        "s3:PutObject",
    ):
        assert action in found
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Logs::ResourcePolicy", 0)
    for function in template.find_resources("AWS::Lambda::Function").values():
        assert function["Properties"]["Role"] == stack.resolve(role.role_arn)
        assert any("FunctionPolicy" in name for name in function["DependsOn"])


@pytest.mark.parametrize("kind", UNCHANGEABLE)
def test_an_immutable_role_gets_no_policies(kind: str) -> None:
    stack = new_stack(known=True)
    role = UNCHANGEABLE[kind](stack)
    build(stack, role, vpc=imported_vpc(stack))
    assert policies(stack) == []
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Logs::ResourcePolicy", 0)
    template.all_resources_properties(
        "AWS::Lambda::Function", {"Role": stack.resolve(role.role_arn)}
    )


def test_an_immutable_execution_role_gets_no_policies() -> None:
    stack = new_stack(known=True)
    ours = MODES["existing"](stack)
    assert "InterpreterFilesystemPolicy" in str(list(resources(ours)))
    other = Stack(new_app(), "Test")
    CodeInterpreter(
        other,
        "Interpreter",
        network=Network.vpc(imported_vpc(other)),
        execution_role=imported_role(other, "theirs", mutable=False),
        filesystems=[everything.imported_s3_files(other)],
    )
    assert [policy["Roles"] for policy in policies(other)] == [
        [{"Ref": "CodeInterpreterControlFunctionRole2FF1E3EA"}]
    ]


@pytest.mark.parametrize("precreated", [None, {"Test/Invoke/FunctionRole": "theirs"}])
def test_roles_that_cdk_is_told_not_to_make_are_reported(precreated: dict[str, str] | None) -> None:
    """Administrators create roles from the report of `iam.Role.customize_roles()`."""
    app = new_app()
    stack = Stack(app, "Test")
    iam.Role.customize_roles(stack, use_precreated_roles=precreated)
    CodeInterpreter(
        stack,
        "Interpreter",
        network=Network.vpc(imported_vpc(stack)),
        execution_role=ExecutionRole(stack, "Role"),
        filesystems=[everything.imported_s3_files(stack)],
    )
    InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter.aws_managed(stack, "Managed"),
        workspace=Workspace(stack, "Workspace"),
    )
    report = (Path(app.synth().directory) / "iam-policy-report.txt").read_text()
    for action in (
        "bedrock-agentcore:CreateCodeInterpreter",
        "bedrock-agentcore:StartCodeInterpreterSession",
        "logs:PutLogEvents",
        "s3:PutObject",
        "s3files:ClientMount",
    ):
        assert action in report
    assert '"aws:SourceArn": []' not in report
    template = Template.from_stack(stack)
    for kind in ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::RolePolicy"):
        template.resource_count_is(kind, 0)


def new_stack(known: bool) -> Stack:
    environment = Environment(account=ACCOUNT, region="us-east-1") if known else None
    return Stack(new_app(), "Test", env=environment)


# the key of a workspace


def test_a_key_encrypts_the_files_and_the_function_may_use_it(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter(stack, "Interpreter"),
        workspace=Workspace(stack, "Workspace", encryption_key=key),
    )
    arn = stack.resolve(key.key_arn)
    assert only(stack, "AWS::S3::Bucket")["BucketEncryption"] == {
        "ServerSideEncryptionConfiguration": [
            {
                "BucketKeyEnabled": True,
                "ServerSideEncryptionByDefault": {
                    "SSEAlgorithm": "aws:kms",
                    "KMSMasterKeyID": arn,
                },
            }
        ]
    }
    found = statements(stack, of="InvokeFunctionRoleDefaultPolicy")
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert [statement["Resource"] for statement in found[action]] == [arn]


def test_the_keys_policy_lets_the_account_decide_who_uses_it(stack: Stack) -> None:
    """The key, which may be in another stack, then depends on no grantee."""
    key = kms.Key(stack, "Key")
    Workspace(stack, "Workspace", encryption_key=key).grant_read_write(iam.User(stack, "User"))
    [statement] = only(stack, "AWS::KMS::Key")["KeyPolicy"]["Statement"]
    assert statement["Action"] == "kms:*"
    assert ":root" in str(statement["Principal"])


# conflicts


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"versioned": True, "expiration": Duration.days(1)}, "expiration, versioned cannot"),
        ({"encryption_key": "key"}, "encryption_key cannot be given together with bucket"),
        ({"server_access_logs_bucket": "bucket"}, "server_access_logs_bucket cannot"),
        ({"removal_policy": RemovalPolicy.RETAIN}, "removal_policy cannot"),
    ],
)
def test_fails_on_an_existing_bucket_and_settings_for_a_new_one(
    stack: Stack, settings: dict[str, Any], message: str
) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Theirs", "theirs")
    given = {"key": kms.Key(stack, "Key"), "bucket": bucket}
    settings = {name: given.get(str(value), value) for name, value in settings.items()}
    with pytest.raises(ValueError, match=message):
        Workspace(stack, "Workspace", bucket=bucket, **settings)
    assert stack.node.try_find_child("Workspace") is None


@pytest.mark.parametrize("days", [Duration.days(0), Duration.hours(5), Duration.hours(36)])
def test_fails_on_an_expiration_that_is_no_whole_number_of_days(
    stack: Stack, days: Duration
) -> None:
    with pytest.raises(ValueError, match=r"expiration is .*one or more whole days; change it"):
        Workspace(stack, "Workspace", expiration=days)
    assert stack.node.try_find_child("Workspace") is None


def test_fails_on_a_control_function_of_another_stack(app: App, stack: Stack) -> None:
    other = ControlFunction.of(Stack(app, "Other"))
    with pytest.raises(ValueError, match=r"control_function is in stack 'Other'.*'Test'"):
        CodeInterpreter(stack, "Interpreter", control_function=other)
    assert stack.node.try_find_child("Interpreter") is None


# settings of functions


def test_functions_take_the_settings_that_cannot_be_changed_later(stack: Stack) -> None:
    queue = sqs.Queue(stack, "Failures")
    key = kms.Key(stack, "Key")
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")
    InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter.aws_managed(stack, "Interpreter"),
        workspace=Workspace(stack, "Workspace"),
        environment_encryption=key,
        function_name="theirs",
        on_failure=SqsDestination(queue),
        reserved_concurrent_executions=5,
        security_groups=[group],
        tracing=lambda_.Tracing.ACTIVE,
        vpc=imported_vpc(stack),
    )
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "FunctionName": "theirs",
            "KmsKeyArn": stack.resolve(key.key_arn),
            "ReservedConcurrentExecutions": 5,
            "TracingConfig": {"Mode": "Active"},
            "VpcConfig": {"SecurityGroupIds": ["sg-0123456789abcdef0"]},
        },
    )
    template.has_resource_properties(
        "AWS::Lambda::EventInvokeConfig",
        {
            "MaximumRetryAttempts": 0,
            "DestinationConfig": {"OnFailure": {"Destination": stack.resolve(queue.queue_arn)}},
        },
    )
    assert statements(stack)["sqs:SendMessage"]


def test_a_function_in_a_vpc_can_be_kept_from_connecting_anywhere(stack: Stack) -> None:
    ControlFunction(stack, "Control", vpc=imported_vpc(stack), allow_all_outbound=False)
    [egress] = only(stack, "AWS::EC2::SecurityGroup")["SecurityGroupEgress"]
    assert egress["CidrIp"] == "255.255.255.255/32"


# the order of arguments


@pytest.mark.parametrize("name", ["CodeInterpreter", "ControlFunction", "ExecutionRole"])
def test_every_argument_has_a_name(stack: Stack, name: str) -> None:
    getattr(library, name)(construct_id="Theirs", scope=stack)
    assert stack.node.try_find_child("Theirs")


def test_arguments_go_by_name_in_any_order(stack: Stack) -> None:
    interpreter = CodeInterpreter.from_id(
        code_interpreter_id="theirs-0123456789", construct_id="Interpreter", scope=stack
    )
    workspace = Workspace(prefix="theirs", construct_id="Workspace", scope=stack)
    InvokeFunction(
        workspace=workspace,
        code_interpreter=interpreter,
        memory_size=512,
        scope=stack,
        construct_id="I",
    )
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::Function", Match.object_like({"MemorySize": 512})
    )
