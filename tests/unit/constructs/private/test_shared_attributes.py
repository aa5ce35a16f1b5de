"""The replacement of a code interpreter reaches every stack that uses it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from aws_cdk import App, CfnOutput, NestedStack, Stack, Stage
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Monitoring, Workspace
from tests.unit.constructs.everything import FLAGS, new_app

Arrangement = Callable[[App], tuple[Stack, Stack]]


def two_stacks(app: App) -> tuple[Stack, Stack]:
    return Stack(app, "Producer"), Stack(app, "Consumer")


def nested_stacks(app: App) -> tuple[Stack, Stack]:
    producer, consumer = two_stacks(app)
    return NestedStack(producer, "Nested"), NestedStack(consumer, "Nested")


def stage(app: App) -> tuple[Stack, Stack]:
    inner = Stage(app, "Stage")
    return Stack(inner, "Producer"), Stack(inner, "Consumer")


ARRANGEMENTS: list[Arrangement] = [two_stacks, nested_stacks, stage]


def use(stack: Stack, interpreter: CodeInterpreter) -> InvokeFunction:
    """Define everything that knows the code interpreter."""
    function = InvokeFunction(
        stack, "Invoke", code_interpreter=interpreter, workspace=Workspace(stack, "Workspace")
    )
    Monitoring(stack, "Monitoring", code_interpreter=interpreter, function=function)
    interpreter.grant_use(iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal()))
    imported = CodeInterpreter.from_id(stack, "Imported", interpreter.code_interpreter_id)
    for name, value in {
        "Id": interpreter.code_interpreter_id,
        "Arn": interpreter.code_interpreter_arn,
        "Name": interpreter.code_interpreter_name,
        "Status": interpreter.status,
        "CreatedAt": interpreter.created_at,
        "ImportedArn": imported.code_interpreter_arn,
    }.items():
        CfnOutput(stack, name, value=value)
    return function


def top_level(stack: Stack) -> Stack:
    return stack.nested_stack_parent or stack


@pytest.mark.parametrize(
    ("arrangement", "flags"),
    [
        # The golden template "several stacks" has two stacks without flags.
        pytest.param(arrangement, flags, marks=() if flags == "all" else pytest.mark.slow)
        for arrangement in ARRANGEMENTS
        for flags in FLAGS
    ],
)
def test_no_stack_imports_what_a_replacement_changes(flags: str, arrangement: Arrangement) -> None:
    app = new_app(FLAGS[flags]())
    producer, consumer = arrangement(app)
    use(consumer, CodeInterpreter(producer, "Interpreter"))
    app.synth()
    template = Template.from_stack(consumer).to_json()
    assert "Fn::ImportValue" not in json.dumps(template)
    assert "Fn::GetStackOutput" not in json.dumps(template)
    outer = top_level(consumer)
    read = Template.from_stack(outer).find_parameters(
        "*", {"Type": "AWS::SSM::Parameter::Value<String>"}
    )
    written = Template.from_stack(producer).find_resources("AWS::SSM::Parameter").values()
    names = {resource["Properties"]["Name"] for resource in written}
    assert {
        parameter["Default"]
        for parameter in read.values()
        if parameter["Default"].startswith("/cdk-code-interpreter/")
    } == names
    assert {name.rpartition("/")[2] for name in names} == {
        "CodeInterpreterId",
        "CodeInterpreterArn",
        "Name",
        "Status",
        "CreatedAt",
    }
    assert [stack.node.path for stack in outer.dependencies] == [top_level(producer).node.path]


def test_the_function_may_use_replacements_and_nothing_else(stack: Stack) -> None:
    producer = Stack(App.of(stack), "Producer")
    function = InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter(producer, "Interpreter", name="mine"),
        workspace=Workspace(stack, "Workspace"),
    )
    [policy] = Template.from_stack(stack).find_resources("AWS::IAM::RolePolicy").values()
    statement, *using = policy["Properties"]["PolicyDocument"]["Statement"]
    assert using
    for one in using:
        assert ':code-interpreter-custom/mine-??????????"' in json.dumps(one["Resource"])
    assert "*" not in json.dumps(policy["Properties"])
    variables = Template.from_stack(stack).find_resources(
        "AWS::Lambda::Function", {"Properties": {"Handler": Match.string_like_regexp("invoke")}}
    )
    [resource] = variables.values()
    name = resource["Properties"]["Environment"]["Variables"]["CODE_INTERPRETER_PARAMETER"]
    assert statement["Action"] == "ssm:GetParameter"
    assert name in json.dumps(statement["Resource"])
    assert function.use_policy is not None


@pytest.mark.parametrize("is_nested", [True, False])
def test_one_deployment_has_no_parameters(stack: Stack, *, is_nested: bool) -> None:
    producer = NestedStack(stack, "Nested") if is_nested else stack
    use(stack, CodeInterpreter(producer, "Interpreter"))
    for one in (stack, producer):
        template = Template.from_stack(one)
        template.resource_count_is("AWS::SSM::Parameter", 0)
        assert "CODE_INTERPRETER_PARAMETER" not in json.dumps(template.to_json())
