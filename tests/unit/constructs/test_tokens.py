"""Values that are unknown until the deployment, such as parameters, reach the template."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Fn, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.assertions import Match, Template

from cdk_code_interpreter import (
    CodeInterpreter,
    CommandTask,
    Filesystem,
    InvokeFunction,
    Monitoring,
    Network,
    Workspace,
)

from .templates import only, statements


class Parameters:
    """Define a parameter for each name."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def text(self, name: str) -> str:
        return CfnParameter(self._stack, name).value_as_string

    def number(self, name: str) -> Any:
        return CfnParameter(self._stack, name, type="Number").value_as_number


@pytest.fixture
def given(stack: Stack) -> Parameters:
    return Parameters(stack)


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def assert_no_token_is_left(stack: Stack) -> None:
    """Find tokens of text, and those of numbers, which are huge."""
    text = json.dumps(Template.from_stack(stack).to_json())
    assert "Token[" not in text
    assert not re.findall(r"e\+\d{3}", text)


def test_every_property_of_a_code_interpreter(stack: Stack, given: Parameters) -> None:
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "TheirVpc",
        vpc_id=given.text("Vpc"),
        availability_zones=[given.text("Zone")],
        private_subnet_ids=[given.text("Subnet")],
    )
    group = ec2.SecurityGroup.from_security_group_id(stack, "Theirs", given.text("Group"))
    secret = secretsmanager.Secret.from_secret_complete_arn(stack, "Secret", given.text("Arn"))
    CodeInterpreter(
        stack,
        "Interpreter",
        name=given.text("Name"),
        description=given.text("Description"),
        network=Network.vpc(vpc, security_groups=[group]),
        execution_role=iam.Role.from_role_arn(stack, "TheirRole", given.text("Role")),
        certificates=[secret],
        filesystems=[
            Filesystem.s3_files(
                file_system_arn=given.text("FileSystem"),
                access_point_arn=given.text("AccessPoint"),
                mount_path=given.text("MountPath"),
            )
        ],
        tags={"team": given.text("Team")},
    )
    properties = only(stack, "Custom::CodeInterpreter")
    assert properties == {
        "ServiceToken": properties["ServiceToken"],
        "ServiceTimeout": properties["ServiceTimeout"],
        "Name": ref("Name"),
        "Description": ref("Description"),
        "NetworkConfiguration": {
            "NetworkMode": "VPC",
            "VpcConfig": {"Subnets": [ref("Subnet")], "SecurityGroups": [ref("Group")]},
        },
        "ExecutionRoleArn": ref("Role"),
        "Certificates": [{"Location": {"SecretsManager": {"SecretArn": ref("Arn")}}}],
        "FilesystemConfigurations": [
            {
                "S3FilesConfiguration": {
                    "AccessPointArn": ref("AccessPoint"),
                    "FileSystemArn": ref("FileSystem"),
                    "MountPath": ref("MountPath"),
                }
            }
        ],
        "Tags": {"team": ref("Team")},
    }
    assert_no_token_is_left(stack)


def test_every_property_of_a_workspace_a_function_and_its_alarms(
    stack: Stack, given: Parameters
) -> None:
    interpreter = CodeInterpreter.from_id(stack, "Interpreter", given.text("Id"))
    workspace = Workspace(
        stack,
        "Workspace",
        prefix=given.text("Prefix"),
        expiration=Duration.days(given.number("Days")),
        encryption_key=kms.Key.from_key_arn(
            stack, "TheirKey", Fn.join("", ["arn:aws:kms:us-east-1:1:key/", given.text("Key")])
        ),
    )
    invoke = InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=interpreter,
        workspace=workspace,
        session_timeout=Duration.seconds(given.number("Session")),
        timeout=Duration.seconds(given.number("Timeout")),
        memory_size=given.number("Memory"),
        reserved_concurrent_executions=given.number("Concurrency"),
        function_name=given.text("FunctionName"),
    )
    Monitoring(stack, "Monitoring", code_interpreter=interpreter, function=invoke.function)
    function = only(stack, "AWS::Lambda::Function")
    assert function["Timeout"] == ref("Timeout")
    assert function["MemorySize"] == ref("Memory")
    assert function["ReservedConcurrentExecutions"] == ref("Concurrency")
    assert function["FunctionName"] == ref("FunctionName")
    variables = function["Environment"]["Variables"]
    assert variables["CODE_INTERPRETER_ID"] == ref("Id")
    assert variables["WORKSPACE_PREFIX"] == ref("Prefix")
    assert variables["SESSION_TIMEOUT_SECONDS"] == ref("Session")
    [expiration] = [
        rule
        for rule in only(stack, "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
        if rule.get("ExpirationInDays") == ref("Days")
    ]
    assert expiration["Prefix"] == {"Fn::Join": ["", [ref("Prefix"), "/"]]}
    assert_no_token_is_left(stack)


def test_a_timeout_that_is_not_known_is_compared_by_cloudwatch(
    stack: Stack, given: Parameters
) -> None:
    interpreter = CodeInterpreter(stack, "Interpreter")
    invoke = InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=interpreter,
        workspace=Workspace(stack, "Workspace"),
        timeout=Duration.seconds(given.number("Timeout")),
    )
    Monitoring(stack, "Monitoring", code_interpreter=interpreter, function=invoke.function)
    Template.from_stack(stack).has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Threshold": 0.9,
            "Metrics": Match.array_with(
                [
                    Match.object_like(
                        {"Expression": {"Fn::Join": ["", ["duration / 1000 / ", ref("Timeout")]]}}
                    )
                ]
            ),
        },
    )


def test_a_bucket_and_a_code_interpreter_that_are_imported(stack: Stack, given: Parameters) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "TheirBucket", given.text("Bucket"))
    interpreter = CodeInterpreter.from_arn(stack, "Interpreter", given.text("Arn"))
    workspace = Workspace(stack, "Workspace", bucket=bucket)
    invoke = InvokeFunction(stack, "Invoke", code_interpreter=interpreter, workspace=workspace)
    Monitoring(stack, "Monitoring", code_interpreter=interpreter, function=invoke.function)
    identifier = stack.resolve(interpreter.code_interpreter_id)
    variables = only(stack, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["WORKSPACE_BUCKET"] == ref("Bucket")
    assert variables["CODE_INTERPRETER_ID"] == identifier
    assert identifier == {
        "Fn::Select": [
            1,
            {"Fn::Split": ["/", {"Fn::Select": [5, {"Fn::Split": [":", ref("Arn")]}]}]},
        ]
    }
    assert statements(stack)["bedrock-agentcore:InvokeCodeInterpreter"][0]["Resource"] == ref("Arn")
    assert_no_token_is_left(stack)


def test_the_name_of_a_gateway_target(stack: Stack, given: Parameters) -> None:
    invoke = InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter(stack, "Interpreter"),
        workspace=Workspace(stack, "Workspace"),
    )
    invoke.add_gateway_target(agentcore.Gateway(stack, "Gateway"), name=given.text("Target"))
    assert only(stack, "AWS::BedrockAgentCore::GatewayTarget")["Name"] == ref("Target")


def test_a_command(stack: Stack, given: Parameters) -> None:
    invoke = InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter(stack, "Interpreter"),
        workspace=Workspace(stack, "Workspace"),
    )
    seconds = given.number("Seconds")
    task = CommandTask(
        stack,
        "Command",
        function=invoke,
        session=given.text("Session"),
        command=given.text("Text"),
        timeout=Duration.seconds(seconds),
        poll_interval=Duration.seconds(seconds),
    )
    sfn.StateMachine(stack, "Machine", definition_body=sfn.DefinitionBody.from_chainable(task))
    definition = only(stack, "AWS::StepFunctions::StateMachine")["DefinitionString"]
    for name in ("Session", "Text", "Seconds"):
        assert ref(name) in definition["Fn::Join"][1]
    assert_no_token_is_left(stack)


# no tokens allowed


def test_fails_on_a_tag_key(stack: Stack, given: Parameters) -> None:
    with pytest.raises(ValueError, match=r"tag key .* is not known before.*write it out"):
        CodeInterpreter(stack, "Interpreter", tags={given.text("Key"): "value"})


@pytest.mark.parametrize("name", ["session_timeout", "timeout"])
def test_fails_on_a_time_that_would_have_to_be_converted(
    stack: Stack, given: Parameters, name: str
) -> None:
    settings: dict[str, Any] = {name: Duration.minutes(given.number("Minutes"))}
    interpreter = CodeInterpreter(stack, "Interpreter")
    workspace = Workspace(stack, "Workspace")
    with pytest.raises(ValueError, match=rf"{name} is a number of minutes.*Duration\.seconds"):
        InvokeFunction(
            stack, "Invoke", code_interpreter=interpreter, workspace=workspace, **settings
        )


def test_fails_on_an_expiration_that_would_have_to_be_converted(
    stack: Stack, given: Parameters
) -> None:
    with pytest.raises(ValueError, match=r"expiration is a number of hours.*Duration\.days"):
        Workspace(stack, "Workspace", expiration=Duration.hours(given.number("Hours")))
