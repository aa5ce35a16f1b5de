from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from cdk_code_interpreter import CodeInterpreter, ControlFunction, Network
from code_interpreter_control.event import STACK_TAG

from .everything import new_app
from .templates import arn_of, only, statements

ALL_INTERPRETERS = arn_of("code-interpreter-custom/*")
STACK_ID = {"Ref": "AWS::StackId"}
CREATE = "bedrock-agentcore:CreateCodeInterpreter"
UNCONDITIONAL = {
    "bedrock-agentcore:ListCodeInterpreters": "*",
    "bedrock-agentcore:ListTagsForResource": ALL_INTERPRETERS,
}
REMOVAL = (
    "DeleteCodeInterpreter",
    "GetCodeInterpreter",
    "ListCodeInterpreterSessions",
    "StopCodeInterpreterSession",
)
SUBNETS = "bedrock-agentcore:subnets"
SECURITY_GROUPS = "bedrock-agentcore:securityGroups"


@pytest.fixture(scope="module")
def default_stack() -> Stack:
    """Return a stack with a code interpreter with default settings, which tests only read."""
    stack = Stack(new_app(), "Test")
    CodeInterpreter(stack, "Interpreter")
    return stack


def test_there_is_one_in_each_stack_that_needs_it(app: App) -> None:
    stacks = [Stack(app, "One"), Stack(app, "Two")]
    for stack in stacks:
        CodeInterpreter(stack, "First")
        CodeInterpreter(stack, "Second")
        assert ControlFunction.of(stack) is ControlFunction.of(stack)
    for stack in stacks:
        Template.from_stack(stack).resource_count_is("AWS::Lambda::Function", 1)


def test_it_runs_on_arm_with_python_and_logs_into_its_own_group(stack: Stack) -> None:
    control = ControlFunction.of(stack)
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Runtime": "python3.14",
            "Architectures": ["arm64"],
            "Timeout": 900,
            "LoggingConfig": {
                "LogFormat": "JSON",
                "LogGroup": stack.resolve(control.log_group.log_group_name),
            },
        },
    )
    template.has_resource(
        "AWS::Logs::LogGroup", {"DeletionPolicy": "Delete", "Properties": {"RetentionInDays": 30}}
    )
    assert "ManagedPolicyArns" not in str(template.to_json())


def test_cloudformation_waits_for_a_second_run(default_stack: Stack) -> None:
    properties = only(default_stack, "Custom::CodeInterpreter")
    assert 2 * 900 + 60 < int(properties["ServiceTimeout"]) <= 3600


def test_it_may_handle_the_code_interpreters_of_its_stack_only(default_stack: Stack) -> None:
    found = statements(default_stack)
    assert found.keys() == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        CREATE,
        "bedrock-agentcore:DeleteCodeInterpreter",
        "bedrock-agentcore:GetCodeInterpreter",
        "bedrock-agentcore:ListCodeInterpreters",
        "bedrock-agentcore:ListCodeInterpreterSessions",
        "bedrock-agentcore:ListTagsForResource",
        "bedrock-agentcore:StopCodeInterpreterSession",
        "bedrock-agentcore:TagResource",
        "bedrock-agentcore:UntagResource",
    }
    prefix = only(default_stack, "Custom::CodeInterpreter")["NamePrefix"]
    own = [arn_of(f"code-interpreter-custom/{prefix}_??????????-??????????")]
    for action, statements_of_it in found.items():
        if action.startswith("bedrock-agentcore:") and action not in (CREATE, *UNCONDITIONAL):
            # The service may not evaluate the tag right after a creation.
            by_name = statements_of_it[-1]
            assert (by_name["Resource"], by_name.get("Condition")) == (own, None), action
    # The name before a change of it is known by its tag alone.
    for action in REMOVAL:
        [by_tag, _] = found[f"bedrock-agentcore:{action}"]
        assert (by_tag["Resource"], by_tag["Condition"]) == (
            ALL_INTERPRETERS,
            tagged("ResourceTag"),
        )
    [_] = found["bedrock-agentcore:UntagResource"]
    # Without the second condition, it could take over the interpreters of another stack.
    [creating, _] = found["bedrock-agentcore:TagResource"]
    assert (creating["Resource"], creating["Condition"]) == (
        ALL_INTERPRETERS,
        {
            **tagged("RequestTag"),
            "StringEqualsIfExists": tagged("ResourceTag")["StringEquals"],
        },
    )
    # With these it finds the code interpreters of its stack among all others.
    for action, resource in UNCONDITIONAL.items():
        [statement] = found[action]
        assert (statement["Resource"], statement.get("Condition")) == (resource, None)


def test_every_code_interpreter_of_the_stack_is_managed_by_its_name(stack: Stack) -> None:
    CodeInterpreter(stack, "First", name="first")
    CodeInterpreter(stack, "Second", name="second")
    [_, by_name] = statements(stack)["bedrock-agentcore:DeleteCodeInterpreter"]
    assert by_name["Resource"] == [
        arn_of("code-interpreter-custom/first-??????????"),
        arn_of("code-interpreter-custom/second-??????????"),
    ]


def test_a_function_without_code_interpreters_manages_none_by_name(stack: Stack) -> None:
    ControlFunction(stack, "Control")
    [by_tag] = statements(stack)["bedrock-agentcore:DeleteCodeInterpreter"]
    assert by_tag["Condition"] == tagged("ResourceTag")


def test_without_a_vpc_it_may_create_in_none(stack: Stack) -> None:
    CodeInterpreter(stack, "Sandbox")
    CodeInterpreter(stack, "Public", network=Network.public())
    [create] = statements(stack)[CREATE]
    assert create["Condition"] == {
        **tagged("RequestTag"),
        "Null": {SUBNETS: "true", SECURITY_GROUPS: "true"},
    }
    assert "iam:CreateServiceLinkedRole" not in statements(stack)


def test_in_a_vpc_it_may_create_with_these_subnets_and_groups_only(stack: Stack) -> None:
    vpc = ec2.Vpc(stack, "Vpc")
    interpreter = CodeInterpreter(stack, "Interpreter", network=Network.vpc(vpc))
    late = ec2.SecurityGroup(stack, "Late", vpc=vpc)
    interpreter.connections.add_security_group(late)
    [create] = statements(stack, of="CodeInterpreterControl")[CREATE]
    group = interpreter.node.find_child("SecurityGroup")
    assert isinstance(group, ec2.SecurityGroup)
    assert create["Condition"] == {
        **tagged("RequestTag"),
        "Null": {SUBNETS: "false", SECURITY_GROUPS: "false"},
        "ForAllValues:StringEquals": {
            SUBNETS: [stack.resolve(subnet.subnet_id) for subnet in vpc.private_subnets],
            SECURITY_GROUPS: [
                stack.resolve(group.security_group_id),
                stack.resolve(late.security_group_id),
            ],
        },
    }


def test_in_a_vpc_it_may_make_the_service_linked_role(stack: Stack) -> None:
    CodeInterpreter(stack, "Interpreter", network=Network.vpc(ec2.Vpc(stack, "Vpc")))
    [statement] = statements(stack)["iam:CreateServiceLinkedRole"]
    principal = "network.bedrock-agentcore.amazonaws.com"
    assert statement["Condition"] == {"StringEquals": {"iam:AWSServiceName": principal}}
    assert statement["Resource"]["Fn::Join"][1][-1] == (
        f":role/aws-service-role/{principal}/AWSServiceRoleForBedrockAgentCoreNetwork"
    )


@pytest.mark.parametrize("owner", ["library", "user", "imported"])
def test_it_keeps_its_permissions_until_the_last_code_interpreter_is_gone(
    stack: Stack, owner: str
) -> None:
    """CloudFormation deletes a resource before those that it depends on."""
    control = ControlFunction(stack, "Control", role=role(stack, owner))
    CodeInterpreter(stack, "Interpreter", control_function=control)
    template = Template.from_stack(stack)
    [resource] = template.find_resources("Custom::CodeInterpreter").values()
    [(function_id, function)] = template.find_resources("AWS::Lambda::Function").items()
    assert resource["Properties"]["ServiceToken"] == {"Fn::GetAtt": [function_id, "Arn"]}
    [policy_id] = template.find_resources("AWS::IAM::Policy")
    assert policy_id in function["DependsOn"]


def role(stack: Stack, owner: str) -> iam.IRole | None:
    if owner == "library":
        return None
    if owner == "imported":
        return iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/r")
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def tagged(kind: str) -> dict[str, Any]:
    return {"StringEquals": {f"aws:{kind}/{STACK_TAG}": STACK_ID}}
