"""The keys of the invoke function's records: whose are the same, and whose never meet."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import NestedStack, Stack, Stage
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template
from constructs import Construct

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace

from .everything import new_app
from .templates import statements

ACCOUNT_AND_REGION = "123456789012.eu-west-1"


def records_prefix(function: InvokeFunction) -> str:
    """Return the prefix in a function's environment, its pseudo parameters filled in."""
    template = Template.from_stack(Stack.of(function))
    [definition] = [
        resource
        for logical_id, resource in template.find_resources("AWS::Lambda::Function").items()
        if logical_id == Stack.of(function).get_logical_id(definition_of(function))
    ]
    return filled(definition["Properties"]["Environment"]["Variables"]["RECORDS_PREFIX"])


def definition_of(function: InvokeFunction) -> Any:
    return function.function.node.default_child


def filled(value: Any) -> str:
    """Return a resolved value as text, with an account and a region for the pseudo parameters."""
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return {"AWS::AccountId": "123456789012", "AWS::Region": "eu-west-1"}[value["Ref"]]
    _, parts = value["Fn::Join"]
    return "".join(map(filled, parts))


def function_of(
    scope: Construct,
    construct_id: str,
    code_interpreter: agentcore.ICodeInterpreterCustom,
    prefix: str = "workspace",
) -> InvokeFunction:
    bucket = s3.Bucket.from_bucket_name(scope, f"{construct_id}Bucket", "shared")
    workspace = Workspace(scope, f"{construct_id}Workspace", bucket=bucket, prefix=prefix)
    return InvokeFunction(
        scope, construct_id, code_interpreter=code_interpreter, workspace=workspace
    )


def deployed(stack_name: str = "Test", prefix: str = "workspace", **properties: Any) -> str:
    """Return the records' prefix of an app that is deployed under a stack name."""
    stack = Stack(new_app(), "Test", stack_name=stack_name)
    interpreter = CodeInterpreter(stack, "Interpreter", **properties)
    return records_prefix(function_of(stack, "Invoke", interpreter, prefix))


def test_it_names_workspace_account_region_stack_and_construct() -> None:
    parts = deployed(prefix="team/files").split("/")
    assert parts[:3] == ["sessions", "team", "files"]
    account_and_region, stack_name, address = parts[3].rsplit(".", 2)
    assert (account_and_region, stack_name) == (ACCOUNT_AND_REGION, "Test")
    assert len(address) == 42
    assert parts[4:] == [""]


def test_it_survives_the_replacement_of_the_code_interpreter() -> None:
    assert deployed() == deployed(description="changed") == deployed(name="renamed")


@pytest.mark.parametrize("change", [{"prefix": "dev"}, {"stack_name": "Dev"}])
def test_deployments_that_share_a_bucket_have_different_records(change: dict[str, Any]) -> None:
    assert deployed() != deployed(**change)


def test_two_code_interpreters_of_a_stack_have_different_records() -> None:
    stack = Stack(new_app(), "Test")
    first, second = (CodeInterpreter(stack, name) for name in ("First", "Second"))
    functions = [function_of(stack, "A", first), function_of(stack, "B", second)]
    assert len({records_prefix(function) for function in functions}) == 2


def test_functions_that_share_prefix_and_code_interpreter_share_their_records() -> None:
    app = new_app()
    owner, other = Stack(app, "Owner"), Stack(app, "Other")
    interpreter = CodeInterpreter(owner, "Interpreter")
    functions = [
        function_of(owner, "First", interpreter),
        function_of(owner, "Second", interpreter),
        function_of(other, "Third", interpreter),
    ]
    assert len({records_prefix(function) for function in functions}) == 1


def test_the_native_construct_has_an_identity_of_the_same_kind() -> None:
    stack = Stack(new_app(), "Test")
    native = agentcore.CodeInterpreterCustom(stack, "Native")
    found = records_prefix(function_of(stack, "Invoke", native))
    assert found == f"sessions/workspace/{ACCOUNT_AND_REGION}.Test.{native.node.addr}/"


def test_a_nested_stack_goes_by_the_name_of_its_top_level_stack() -> None:
    stack = Stack(Stage(new_app(), "Prod"), "Test")
    nested = NestedStack(stack, "Nested")
    interpreter = CodeInterpreter(nested, "Interpreter")
    found = records_prefix(function_of(nested, "Invoke", interpreter))
    assert f"{ACCOUNT_AND_REGION}.Prod-Test." in found


@pytest.mark.parametrize(
    "arn",
    [None, "arn:aws:bedrock-agentcore:eu-west-1:123456789012:code-interpreter/theirs-abcdefghij"],
)
def test_an_imported_code_interpreter_goes_by_its_id(arn: str | None) -> None:
    stack = Stack(new_app(), "Test")
    if arn:
        interpreter = CodeInterpreter.from_arn(stack, "Interpreter", arn)
    else:
        interpreter = CodeInterpreter.from_id(stack, "Interpreter", "theirs-abcdefghij")
    found = records_prefix(function_of(stack, "Invoke", interpreter))
    assert found == f"sessions/workspace/{ACCOUNT_AND_REGION}.theirs-abcdefghij/"


def test_the_function_may_use_its_own_records_only() -> None:
    stack = Stack(new_app(), "Test")
    function = function_of(stack, "Invoke", CodeInterpreter(stack, "Interpreter"))
    prefix = records_prefix(function)
    [write] = statements(stack, of="Invoke")["s3:PutObject"]
    keys = [filled_arn(resource).partition("shared/")[2] for resource in write["Resource"]]
    assert keys == ["workspace/*", f"{prefix}*"]
    [listing] = statements(stack, of="Invoke")["s3:ListBucket"]
    allowed = [filled(value) for value in listing["Condition"]["StringLike"]["s3:prefix"]]
    assert allowed == ["workspace/*", f"{prefix}*"]


def filled_arn(value: Any) -> str:
    _, parts = value["Fn::Join"]
    known = [part for part in parts if part != {"Ref": "AWS::Partition"}]
    return "".join(map(filled, known))
