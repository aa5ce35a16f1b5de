from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Match, Template

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace

from .everything import new_app
from .templates import statements


@pytest.fixture(scope="module")
def default_function() -> InvokeFunction:
    """Return a function with default settings, which tests only read."""
    return build(Stack(new_app(), "Test"))


@pytest.fixture(scope="module")
def default_stack(default_function: InvokeFunction) -> Stack:
    return Stack.of(default_function)


@pytest.fixture(scope="module")
def template(default_stack: Stack) -> Template:
    return Template.from_stack(default_stack)


def build(stack: Stack, **properties: Any) -> InvokeFunction:
    return InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter(stack, "Interpreter"),
        workspace=Workspace(stack, "Workspace", prefix="files"),
        **properties,
    )


def test_it_knows_its_code_interpreter_and_workspace(stack: Stack) -> None:
    build(stack, session_timeout=Duration.hours(1))
    [interpreter] = Template.from_stack(stack).find_resources("Custom::CodeInterpreter")
    [bucket] = Template.from_stack(stack).find_resources("AWS::S3::Bucket")
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Handler": "code_interpreter_invoke.handler.handler",
            "Runtime": "python3.14",
            "Architectures": ["arm64"],
            "Timeout": 900,
            "MemorySize": 256,
            "Environment": {
                "Variables": {
                    "CODE_INTERPRETER_ID": {"Ref": interpreter},
                    "WORKSPACE_BUCKET": {"Ref": bucket},
                    "WORKSPACE_PREFIX": "files",
                    "RECORDS_PREFIX": Match.any_value(),
                    "SESSION_TIMEOUT_SECONDS": "3600",
                    "ALLOW_DELETE": "true",
                    "MALLOC_MMAP_THRESHOLD_": "1048576",
                }
            },
        },
    )


def test_it_may_use_this_code_interpreter_only(default_stack: Stack, template: Template) -> None:
    [interpreter] = template.find_resources("Custom::CodeInterpreter")
    found = statements(default_stack, of="Invoke")
    actions = {action for action in found if action.startswith("bedrock-agentcore:")}
    assert actions == {
        "bedrock-agentcore:GetCodeInterpreterSession",
        "bedrock-agentcore:InvokeCodeInterpreter",
        "bedrock-agentcore:ListCodeInterpreterSessions",
        "bedrock-agentcore:StartCodeInterpreterSession",
        "bedrock-agentcore:StopCodeInterpreterSession",
    }
    for action in actions:
        [statement] = found[action]
        assert statement["Resource"] == {"Fn::GetAtt": [interpreter, "CodeInterpreterArn"]}


def test_it_may_use_the_old_code_interpreter_until_it_knows_the_new_one(template: Template) -> None:
    """CloudFormation replaces a policy with the id in its name, and deletes the old policy last."""
    [interpreter] = template.find_resources("Custom::CodeInterpreter")
    [(policy_id, policy)] = template.find_resources("AWS::IAM::RolePolicy").items()
    [role] = [name for name in template.find_resources("AWS::IAM::Role") if "Invoke" in name]
    assert policy["Properties"].keys() == {"PolicyDocument", "PolicyName", "RoleName"}
    [separator, [reference, unique]] = policy["Properties"]["PolicyName"]["Fn::Join"]
    assert (separator, reference) == ("", {"Ref": interpreter})
    assert unique.startswith("-TestInvoke")
    assert policy["Properties"]["RoleName"] == {"Ref": role}
    [function] = template.find_resources(
        "AWS::Lambda::Function", {"Properties": {"Handler": Match.string_like_regexp("invoke")}}
    ).values()
    assert policy_id in function["DependsOn"]


def test_it_may_read_and_write_the_workspace(default_stack: Stack) -> None:
    found = statements(default_stack, of="Invoke")
    for action in ("s3:GetObject", "s3:PutObject"):
        [statement] = found[action]
        assert "/files/*" in str(statement["Resource"])


def test_it_may_delete_files_and_no_records(default_stack: Stack, template: Template) -> None:
    [bucket] = template.find_resources("AWS::S3::Bucket")
    [statement] = statements(default_stack, of="Invoke")["s3:DeleteObject"]
    files = {"Fn::Join": ["", [{"Fn::GetAtt": [bucket, "Arn"]}, "/files/*"]]}
    assert statement["Resource"] == files


def test_deletion_can_be_left_out(stack: Stack) -> None:
    build(stack, allow_delete=False)
    assert "s3:DeleteObject" not in statements(stack, of="Invoke")
    variables = {"Variables": Match.object_like({"ALLOW_DELETE": "false"})}
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::Function", {"Environment": variables}
    )


def test_lambda_never_repeats_an_asynchronous_invocation(
    default_function: InvokeFunction, default_stack: Stack, template: Template
) -> None:
    template.has_resource_properties(
        "AWS::Lambda::EventInvokeConfig",
        {
            "FunctionName": default_stack.resolve(default_function.function.function_name),
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": 0,
        },
    )


def test_its_log_group_is_deleted_with_it(
    default_function: InvokeFunction, default_stack: Stack, template: Template
) -> None:
    log_group_name = default_stack.resolve(default_function.log_group.log_group_name)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Handler": Match.string_like_regexp("invoke"),
            "LoggingConfig": {"LogFormat": "JSON", "LogGroup": log_group_name},
        },
    )
    template.all_resources(
        "AWS::Logs::LogGroup", {"DeletionPolicy": "Delete", "Properties": {"RetentionInDays": 30}}
    )


def test_its_log_group_takes_settings(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    build(
        stack,
        log_encryption_key=key,
        log_removal_policy=RemovalPolicy.RETAIN,
        log_retention=logs.RetentionDays.ONE_YEAR,
    )
    Template.from_stack(stack).has_resource(
        "AWS::Logs::LogGroup",
        {
            "DeletionPolicy": "Retain",
            "Properties": {"KmsKeyId": stack.resolve(key.key_arn), "RetentionInDays": 365},
        },
    )


def test_log_group_and_role_can_be_the_users_own(stack: Stack) -> None:
    log_group = logs.LogGroup(stack, "Logs", removal_policy=RemovalPolicy.RETAIN)
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    function = build(stack, log_group=log_group, role=role)
    assert function.log_group is log_group
    Template.from_stack(stack).has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Role": stack.resolve(role.role_arn),
            "LoggingConfig": {
                "LogFormat": "JSON",
                "LogGroup": stack.resolve(log_group.log_group_name),
            },
        },
    )


def test_invoking_it_can_be_granted(stack: Stack) -> None:
    function = build(stack)
    user = iam.User(stack, "Agent")
    function.grant_invoke(user)
    Template.from_stack(stack).has_resource_properties(
        "AWS::IAM::Policy",
        {
            "Users": [stack.resolve(user.user_name)],
            "PolicyDocument": {
                "Statement": [Match.object_like({"Action": "lambda:InvokeFunction"})]
            },
        },
    )


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"session_timeout": Duration.seconds(0)}, "session_timeout is 0 s.*1 to 28800 s"),
        ({"session_timeout": Duration.hours(9)}, "session_timeout is 32400 s.*1 to 28800 s"),
        ({"timeout": Duration.minutes(31)}, "timeout is 1860 s.*1 to 1800 s"),
    ],
)
def test_fails_on_times_that_aws_does_not_allow(
    stack: Stack, properties: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build(stack, **properties)
