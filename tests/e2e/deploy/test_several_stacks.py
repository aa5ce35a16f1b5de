"""A code interpreter is replaced in one stack, and used in another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnOutput, NestedStack, Stack, Stage

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Monitoring, Workspace
from tests.unit.constructs.everything import FLAGS

from .deployment import Deployment, synthesise

Arrangement = Callable[[App], tuple[Stack, Stack]]


def two_stacks(app: App) -> tuple[Stack, Stack]:
    return Stack(app, "Producer"), Stack(app, "Consumer")


def nested_stacks(app: App) -> tuple[Stack, Stack]:
    producer, consumer = two_stacks(app)
    return NestedStack(producer, "Nested"), NestedStack(consumer, "Nested")


def one_with_a_nested_stack(app: App) -> tuple[Stack, Stack]:
    consumer = Stack(app, "Consumer")
    return NestedStack(consumer, "Nested"), consumer


def stage(app: App) -> tuple[Stack, Stack]:
    inner = Stage(app, "Stage")
    return Stack(inner, "Producer"), Stack(inner, "Consumer")


# Without the flags, CDK's references between stacks are exports; with the recommended, weak ones.
CASES: list[Any] = [
    (two_stacks, "none"),
    pytest.param(two_stacks, "recommended", marks=pytest.mark.slow),
    pytest.param(nested_stacks, "none", marks=pytest.mark.slow),
    pytest.param(one_with_a_nested_stack, "recommended", marks=pytest.mark.slow),
    pytest.param(stage, "recommended", marks=pytest.mark.slow),
]


def define(arrangement: Arrangement, description: str) -> Callable[[App], object]:
    def define(app: App) -> None:
        producer, consumer = arrangement(app)
        interpreter = CodeInterpreter(producer, "Interpreter", description=description)
        function = InvokeFunction(
            consumer,
            "Invoke",
            code_interpreter=interpreter,
            workspace=Workspace(consumer, "Workspace"),
        )
        Monitoring(consumer, "Monitoring", code_interpreter=interpreter, function=function)
        for name, value in {
            "FunctionName": function.function.function_name,
            "Arn": interpreter.code_interpreter_arn,
        }.items():
            CfnOutput(consumer.nested_stack_parent or consumer, name, value=value)

    return define


def leave_out_consumer(directory: Path) -> None:
    """Leave the consumer out of an assembly, as `cdk deploy Producer` does."""
    for path in directory.rglob("manifest.json"):
        manifest = json.loads(path.read_text())
        for name in [name for name in manifest["artifacts"] if "Consumer" in name]:
            del manifest["artifacts"][name]
        path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(("arrangement", "flags"), CASES)
def test_a_replacement_reaches_every_stack(
    deployment: Deployment, tmp_path: Path, arrangement: Arrangement, flags: str
) -> None:
    """The function works also while only the stack of the code interpreter is deployed."""
    context = FLAGS[flags]()

    def deploy(description: str, *, with_consumer: bool = True) -> dict[str, str]:
        directory = tmp_path / f"{description}-{with_consumer}"
        synthesise(define(arrangement, description), directory, **context)
        if not with_consumer:
            leave_out_consumer(directory)
        outputs = deployment.aws.deploy(directory, deployment.account)
        [found] = [found for name, found in outputs.items() if "Consumer" in name] or [{}]
        return found

    def run(command: str) -> dict[str, Any]:
        response = deployment.client("lambda").invoke(
            FunctionName=outputs["FunctionName"],
            Payload=json.dumps({"tool": "execute_command", "session": "s", "command": command}),
        )
        result: dict[str, Any] = json.load(response["Payload"])
        return result

    outputs = deploy("first")
    assert run("true")["status"] == "ok"
    if arrangement is not one_with_a_nested_stack:
        deploy("second", with_consumer=False)
        assert deployment.only()["description"] == "second"
        assert run("true").get("session_restarted")
    outputs = deploy("second")
    current = deployment.only()
    assert current["description"] == "second"
    assert run("echo 42")["stdout"].strip() == "42"
    assert outputs["Arn"] == current["codeInterpreterArn"]
    variables = deployment.client("lambda").get_function_configuration(
        FunctionName=outputs["FunctionName"]
    )["Environment"]["Variables"]
    assert variables["CODE_INTERPRETER_ID"] == current["codeInterpreterId"]
    alarms = deployment.client("cloudwatch").describe_alarms()["MetricAlarms"]
    resources = {
        dimension["Value"]
        for alarm in alarms
        for dimension in alarm["Dimensions"]
        if dimension["Name"] == "Resource"
    }
    assert resources == {current["codeInterpreterArn"]}
    deployment.aws.destroy(tmp_path / "second-True", deployment.account)
    assert deployment.code_interpreters() == {}
    parameters = deployment.client("ssm").describe_parameters()["Parameters"]
    assert [one["Name"] for one in parameters if "code-interpreter" in one["Name"]] == []
