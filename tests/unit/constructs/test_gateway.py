from __future__ import annotations

from aws_cdk import App, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace
from code_interpreter_invoke.requests.gateway import SESSION_HEADER
from code_interpreter_invoke.requests.tools import TOOLS
from tests.service_shapes import api_spelling, check_against_shape, input_shape

from .templates import only


def test_the_target_has_the_tools_as_the_function_takes_them(
    stack: Stack, function: InvokeFunction
) -> None:
    function.add_gateway_target(agentcore.Gateway(stack, "Gateway"), name="tools")
    target = only(stack, "AWS::BedrockAgentCore::GatewayTarget")
    assert target["Name"] == "tools"
    described = target["TargetConfiguration"]["Mcp"]["Lambda"]
    assert described["LambdaArn"] == stack.resolve(function.function.function_arn)
    tools = api_spelling(described["ToolSchema"]["InlinePayload"])
    assert {tool["name"]: list(tool["inputSchema"]["properties"]) for tool in tools} == {
        name: list(tool.input_schema["properties"])
        for name, tool in TOOLS.items()
        if tool.for_models
    }
    lambda_target = ("targetConfiguration", "mcp", "lambda", "toolSchema", "inlinePayload")
    check_against_shape(
        tools, input_shape("bedrock-agentcore-control", "CreateGatewayTarget", *lambda_target)
    )
    # A Gateway supports no enum, so the description has the allowed values.
    [execute_code] = [tool["inputSchema"] for tool in tools if tool["name"] == "execute_code"]
    assert execute_code["required"] == ["code"]
    assert "typescript" in execute_code["properties"]["language"]["description"]


def test_the_session_and_the_trace_come_in_headers(stack: Stack, function: InvokeFunction) -> None:
    function.add_gateway_target(agentcore.Gateway(stack, "Gateway"))
    target = only(stack, "AWS::BedrockAgentCore::GatewayTarget")
    headers = target["MetadataConfiguration"]["AllowedRequestHeaders"]
    assert headers == [SESSION_HEADER, "traceparent"]


def test_the_target_is_created_after_the_gateway_may_invoke_the_function(
    stack: Stack, function: InvokeFunction
) -> None:
    """AgentCore invokes the function when it creates the target."""
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
