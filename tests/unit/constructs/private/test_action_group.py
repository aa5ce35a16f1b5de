from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Stack, Token
from aws_cdk import aws_bedrock as bedrock
from aws_cdk.assertions import Template

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace
from code_interpreter_invoke.requests.tools import TOOLS
from tests.service_shapes import api_spelling, check_against_shape, input_shape

from ..templates import only

THEIRS = {"actionGroupName": "theirs", "parentActionGroupSignature": "AMAZON.UserInput"}


@pytest.fixture
def agent(stack: Stack) -> bedrock.CfnAgent:
    return new_agent(stack)


def new_agent(stack: Stack, **properties: Any) -> bedrock.CfnAgent:
    return bedrock.CfnAgent(
        stack,
        "Agent",
        agent_name="analyst",
        foundation_model="amazon.nova-pro-v1:0",
        agent_resource_role_arn="arn:aws:iam::123456789012:role/AmazonBedrockExecutionRoleForAgents",
        instruction="Analyse the data that the user uploads, and draw charts of it.",
        auto_prepare=True,
        **properties,
    )


def test_the_agent_has_the_functions_as_the_function_takes_them(
    stack: Stack, function: InvokeFunction, agent: bedrock.CfnAgent
) -> None:
    function.add_action_group(agent, name="tools")
    [group] = only(stack, "AWS::Bedrock::Agent")["ActionGroups"]
    assert group["ActionGroupName"] == "tools"
    executor = {"Lambda": stack.resolve(function.function.function_arn)}
    assert group["ActionGroupExecutor"] == executor
    functions = group["FunctionSchema"]["Functions"]
    assert {function["Name"]: list(function["Parameters"]) for function in functions} == {
        name: list(tool.input_schema["properties"])
        for name, tool in TOOLS.items()
        if tool.for_models
    }
    shape = input_shape("bedrock-agent", "CreateAgentActionGroup", "functionSchema")
    check_against_shape(api_spelling(group["FunctionSchema"]), shape)
    # Bedrock's quotas: functions of an agent, and parameters of a function.
    assert len(functions) <= 11
    assert all(len(function["Parameters"]) <= 5 for function in functions)


def test_the_description_outlines_nested_arguments(
    stack: Stack, function: InvokeFunction, agent: bedrock.CfnAgent
) -> None:
    function.add_action_group(agent)
    [group] = only(stack, "AWS::Bedrock::Agent")["ActionGroups"]
    functions = group["FunctionSchema"]["Functions"]
    [parameters] = [tool["Parameters"] for tool in functions if tool["Name"] == "file_operations"]
    assert parameters["content"]["Type"] == "string"
    assert "[{path, text, blob}]" in parameters["content"]["Description"]
    assert parameters["paths"]["Type"] == "array"
    assert parameters["operation"]["Required"] is True


def test_this_agent_and_no_other_may_invoke_the_function(
    stack: Stack, function: InvokeFunction, agent: bedrock.CfnAgent
) -> None:
    function.add_action_group(agent)
    assert only(stack, "AWS::Lambda::Permission") == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": stack.resolve(function.function.function_arn),
        "Principal": "bedrock.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
        "SourceArn": {"Fn::GetAtt": ["Agent", "AgentArn"]},
    }


def test_other_action_groups_stay(stack: Stack, function: InvokeFunction) -> None:
    function.add_action_group(new_agent(stack, action_groups=[THEIRS]))
    groups = only(stack, "AWS::Bedrock::Agent")["ActionGroups"]
    assert [group["ActionGroupName"] for group in groups] == ["theirs", "code-interpreter"]


def test_action_groups_that_are_not_known_yet_are_refused(
    stack: Stack, function: InvokeFunction
) -> None:
    agent = new_agent(stack, action_groups=Token.as_any([THEIRS]))
    with pytest.raises(ValueError, match="'Test/Agent' are not known before the deployment"):
        function.add_action_group(agent)


def test_the_agent_can_be_in_another_stack(app: App, function: InvokeFunction) -> None:
    theirs = Stack(app, "Theirs")
    function.add_action_group(new_agent(theirs))
    Template.from_stack(theirs).resource_count_is("AWS::Lambda::Permission", 1)


def test_an_agent_can_have_several_functions(
    stack: Stack, function: InvokeFunction, agent: bedrock.CfnAgent
) -> None:
    another = InvokeFunction(
        stack,
        "Another",
        code_interpreter=CodeInterpreter.aws_managed(stack, "Managed"),
        workspace=Workspace(stack, "AnotherWorkspace"),
    )
    function.add_action_group(agent)
    another.add_action_group(agent, "Another", name="another")
    Template.from_stack(stack).resource_count_is("AWS::Lambda::Permission", 2)


def test_a_name_may_be_a_token(
    stack: Stack, function: InvokeFunction, agent: bedrock.CfnAgent
) -> None:
    function.add_action_group(agent, name=CfnParameter(stack, "Name").value_as_string)
    [group] = only(stack, "AWS::Bedrock::Agent")["ActionGroups"]
    assert group["ActionGroupName"] == {"Ref": "Name"}


@pytest.mark.parametrize("name", ["", "two__together", "-first", "with space", "x" * 41])
def test_names_that_bedrock_refuses_are_refused(
    function: InvokeFunction, agent: bedrock.CfnAgent, name: str
) -> None:
    with pytest.raises(ValueError, match=f"name is {name!r}.* 1 to 40 letters"):
        function.add_action_group(agent, name=name)
    assert agent.action_groups is None


def test_the_longest_name_is_allowed(function: InvokeFunction, agent: bedrock.CfnAgent) -> None:
    function.add_action_group(agent, name="x" * 40)
