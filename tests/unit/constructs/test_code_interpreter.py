from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import App, RemovalPolicy, Stack, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match, Template

from cdk_code_interpreter import CodeInterpreter, Network

from .templates import only

TYPE = "Custom::CodeInterpreter"


def test_the_default_is_a_sandbox_without_a_role(stack: Stack) -> None:
    CodeInterpreter(stack, "Interpreter")
    properties = only(stack, TYPE)
    assert properties["NetworkConfiguration"] == {"NetworkMode": "SANDBOX"}
    assert not {"ExecutionRoleArn", "Name", "Description", "Tags"} & properties.keys()
    Template.from_stack(stack).resource_count_is("AWS::IAM::Role", 1)


def test_properties_reach_the_custom_resource(stack: Stack) -> None:
    CodeInterpreter(
        stack,
        "Interpreter",
        name="mine",
        description="for tests",
        network=Network.public(),
        tags={"team": "data"},
    )
    Template.from_stack(stack).has_resource_properties(
        TYPE,
        {
            "Name": "mine",
            "Description": "for tests",
            "NetworkConfiguration": {"NetworkMode": "PUBLIC"},
            "Tags": {"team": "data"},
            "NamePrefix": Match.absent(),
        },
    )


def test_generated_names_leave_room_for_a_suffix(app: App) -> None:
    stack = Stack(app, "A-stack-whose-name-is-longer-than-the-name-of-a-code-interpreter")
    CodeInterpreter(stack, "Interpreter-1")
    prefix = only(stack, TYPE)["NamePrefix"]
    assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,36}", prefix)


def test_two_in_one_stack_share_the_control_function_and_not_the_name(stack: Stack) -> None:
    CodeInterpreter(stack, "One")
    CodeInterpreter(stack, "Two")
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::Lambda::Function", 1)
    prefixes = {
        resource["Properties"]["NamePrefix"] for resource in template.find_resources(TYPE).values()
    }
    assert len(prefixes) == 2


def test_public_network_is_warned_about(stack: Stack) -> None:
    CodeInterpreter(stack, "Interpreter", network=Network.public())
    Annotations.from_stack(stack).has_warning(
        "/Test/Interpreter", Match.string_like_regexp("can reach the internet")
    )


def test_public_network_warning_can_be_acknowledged(stack: Stack) -> None:
    from aws_cdk import Annotations as Annotate

    interpreter = CodeInterpreter(stack, "Interpreter", network=Network.public())
    Annotate.of(interpreter).acknowledge_warning("cdk-code-interpreter:publicNetwork", "a demo")
    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


def test_attributes_come_from_the_service(stack: Stack) -> None:
    interpreter = CodeInterpreter(stack, "Interpreter")
    [logical_id] = Template.from_stack(stack).find_resources(TYPE)
    assert stack.resolve(interpreter.code_interpreter_id) == {"Ref": logical_id}
    for value, attribute in (
        (interpreter.code_interpreter_arn, "CodeInterpreterArn"),
        (interpreter.code_interpreter_name, "Name"),
        (interpreter.status, "Status"),
        (interpreter.created_at, "CreatedAt"),
    ):
        assert stack.resolve(value) == {"Fn::GetAtt": [logical_id, attribute]}
    assert interpreter.last_updated_at is None


@pytest.mark.parametrize(
    ("properties", "policy"), [({}, "Delete"), ({"removal_policy": RemovalPolicy.RETAIN}, "Retain")]
)
def test_it_is_deleted_with_its_stack_unless_asked_otherwise(
    stack: Stack, properties: dict[str, Any], policy: str
) -> None:
    CodeInterpreter(stack, "Interpreter", **properties)
    Template.from_stack(stack).has_resource(
        TYPE, {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}
    )


# tags


def test_tags_come_from_the_app_the_stack_and_the_construct(app: App) -> None:
    stack = Stack(app, "Test", tags={"from": "stack", "level": "stack"})
    interpreter = CodeInterpreter(stack, "Interpreter", tags={"level": "construct"})
    Tags.of(app).add("app", "yes")
    Tags.of(interpreter).add("aspect", "yes")
    Tags.of(app).add("wrong-type", "x", include_resource_types=["AWS::S3::Bucket"])
    Tags.of(app).add(
        "type", "x", include_resource_types=["AWS::BedrockAgentCore::CodeInterpreterCustom"]
    )
    assert only(stack, TYPE)["Tags"] == {
        "from": "stack",
        "level": "construct",
        "app": "yes",
        "aspect": "yes",
        "type": "x",
    }


def test_fails_on_a_tag_from_elsewhere_that_the_service_does_not_take(
    app: App, stack: Stack
) -> None:
    CodeInterpreter(stack, "Interpreter")
    Tags.of(app).add("team", "a,b")
    with pytest.raises(RuntimeError, match="value 'a,b' of tag 'team' is not allowed"):
        app.synth()


# role


def test_an_execution_role_is_passed_and_can_be_granted_to(stack: Stack) -> None:
    role = iam.Role(
        stack, "Role", assumed_by=iam.ServicePrincipal("bedrock-agentcore.amazonaws.com")
    )
    interpreter = CodeInterpreter(stack, "Interpreter", execution_role=role)
    s3.Bucket(stack, "Bucket").grant_read(interpreter)
    template = Template.from_stack(stack)
    arn = stack.resolve(role.role_arn)
    template.has_resource_properties(TYPE, {"ExecutionRoleArn": arn})
    template.has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        {
                            "Action": "iam:PassRole",
                            "Effect": "Allow",
                            "Resource": arn,
                            "Condition": {
                                "StringEquals": {
                                    "iam:PassedToService": "bedrock-agentcore.amazonaws.com"
                                }
                            },
                        }
                    ]
                )
            }
        },
    )
    template.has_resource_properties("AWS::IAM::Policy", {"Roles": [stack.resolve(role.role_name)]})


def test_fails_to_grant_without_an_execution_role(stack: Stack) -> None:
    interpreter = CodeInterpreter(stack, "Interpreter")
    with pytest.raises(RuntimeError, match=r"no execution role.*pass execution_role="):
        s3.Bucket(stack, "Bucket").grant_read(interpreter)


# bad input


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"name": "my-interpreter"}, "name is 'my-interpreter'.*1 to 48 letters.*change it"),
        ({"name": "a" * 49}, "1 to 48"),
        ({"name": ""}, "1 to 48"),
        ({"description": ""}, "0 characters.*1 to 4096"),
        ({"description": "x" * 4097}, "4097 characters.*1 to 4096"),
        ({"tags": {"": "x"}}, "tag key ''.*1 to 128"),
        ({"tags": {"k" * 129: "x"}}, "1 to 128"),
        ({"tags": {"k": "x" * 257}}, "0 to 256"),
        ({"tags": {"k": "a,b"}}, "value 'a,b' of tag 'k'"),
        ({"tags": {"aws:x": "y"}}, "'aws:x' begins with 'aws:'"),
        ({"tags": {str(number): "" for number in range(48)}}, "48 tags.*at most 47"),
    ],
)
def test_fails_with_what_was_given_and_what_is_allowed(
    stack: Stack, properties: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        CodeInterpreter(stack, "Interpreter", **properties)


def test_an_empty_tag_value_is_allowed(stack: Stack) -> None:
    CodeInterpreter(stack, "Interpreter", tags={"k": ""})
    assert only(stack, TYPE)["Tags"] == {"k": ""}
