from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace
from code_interpreter_invoke.schemas import gateway_tool_schema

from .templates import only


@pytest.fixture
def function(stack: Stack) -> InvokeFunction:
    return InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter.from_id(stack, "Interpreter", "theirs-abcdefghij"),
        workspace=Workspace(stack, "Workspace"),
    )


def as_the_api_spells_it(value: Any) -> Any:
    """CloudFormation's properties begin with capitals; names of arguments are left alone."""
    if isinstance(value, list):
        return [as_the_api_spells_it(item) for item in value]
    if not isinstance(value, dict):
        return value
    spelt = {f"{key[0].lower()}{key[1:]}": as_the_api_spells_it(value[key]) for key in value}
    if "properties" in spelt:
        members = value["Properties"]
        spelt["properties"] = {name: as_the_api_spells_it(members[name]) for name in members}
    return spelt


def test_the_target_has_the_tools_as_the_function_takes_them(
    stack: Stack, function: InvokeFunction
) -> None:
    function.add_gateway_target(agentcore.Gateway(stack, "Gateway"), name="tools")
    target = only(stack, "AWS::BedrockAgentCore::GatewayTarget")
    assert target["Name"] == "tools"
    described = target["TargetConfiguration"]["Mcp"]["Lambda"]
    assert described["LambdaArn"] == stack.resolve(function.function.function_arn)
    schema = as_the_api_spells_it(described["ToolSchema"]["InlinePayload"])
    assert schema == gateway_tool_schema()


def test_the_session_comes_in_a_header(stack: Stack, function: InvokeFunction) -> None:
    function.add_gateway_target(agentcore.Gateway(stack, "Gateway"))
    target = only(stack, "AWS::BedrockAgentCore::GatewayTarget")
    headers = target["MetadataConfiguration"]["AllowedRequestHeaders"]
    assert headers == ["x-code-interpreter-session"]


def test_the_target_is_made_when_the_gateway_may_invoke_the_function(
    stack: Stack, function: InvokeFunction
) -> None:
    """AgentCore tries it."""
    role = iam.Role(
        stack, "Role", assumed_by=iam.ServicePrincipal("bedrock-agentcore.amazonaws.com")
    )
    function.add_gateway_target(agentcore.Gateway(stack, "Gateway", role=role))
    template = Template.from_stack(stack)
    [policy] = template.find_resources(
        "AWS::IAM::Policy",
        {"Properties": {"PolicyDocument": {"Statement": [{"Action": "lambda:InvokeFunction"}]}}},
    )
    template.has_resource(
        "AWS::BedrockAgentCore::GatewayTarget", {"DependsOn": Match.array_with([policy])}
    )


def test_the_gateway_can_be_in_another_stack(app: App, function: InvokeFunction) -> None:
    theirs = Stack(app, "Theirs")
    first, second = (agentcore.Gateway(theirs, name) for name in ("First", "Second"))
    for gateway in (first, second):
        function.add_gateway_target(gateway)
    Template.from_stack(theirs).resource_count_is("AWS::BedrockAgentCore::GatewayTarget", 2)


def test_a_gateway_can_have_several_functions(stack: Stack, function: InvokeFunction) -> None:
    another = InvokeFunction(
        stack,
        "Another",
        code_interpreter=CodeInterpreter.aws_managed(stack, "Managed"),
        workspace=Workspace(stack, "AnotherWorkspace"),
    )
    gateway = agentcore.Gateway(stack, "Gateway")
    function.add_gateway_target(gateway)
    another.add_gateway_target(gateway, "Another", name="another")
    Template.from_stack(stack).resource_count_is("AWS::BedrockAgentCore::GatewayTarget", 2)
