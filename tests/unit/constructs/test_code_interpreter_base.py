"""Grants and metrics, which owned and imported code interpreters share."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam

from cdk_code_interpreter import CodeInterpreter

from .templates import statements

ARN = "arn:aws:bedrock-agentcore:us-east-1:123456789012:code-interpreter-custom/theirs-0123456789"


@pytest.fixture(params=["owned", "imported"])
def code_interpreter(
    request: pytest.FixtureRequest, stack: Stack
) -> agentcore.ICodeInterpreterCustom:
    if request.param == "owned":
        return CodeInterpreter(stack, "Interpreter")
    return CodeInterpreter.from_arn(stack, "Interpreter", ARN)


@pytest.mark.parametrize(
    ("method", "actions"),
    [
        (
            "grant_read",
            {
                "GetCodeInterpreter",
                "GetCodeInterpreterSession",
                "ListCodeInterpreterSessions",
            },
        ),
        (
            "grant_use",
            {
                "StartCodeInterpreterSession",
                "InvokeCodeInterpreter",
                "StopCodeInterpreterSession",
            },
        ),
        ("grant_invoke", {"InvokeCodeInterpreter"}),
    ],
)
def test_grants_are_exact(
    stack: Stack,
    code_interpreter: agentcore.ICodeInterpreterCustom,
    method: str,
    actions: set[str],
) -> None:
    getattr(code_interpreter, method)(iam.User(stack, "User"))
    found = statements(stack, of="User")
    assert found.keys() == {f"bedrock-agentcore:{action}" for action in actions}
    resources = [statement["Resource"] for granted in found.values() for statement in granted]
    assert all(
        resource == stack.resolve(code_interpreter.code_interpreter_arn) for resource in resources
    )


def test_it_goes_where_cdk_takes_the_native_construct(
    code_interpreter: agentcore.ICodeInterpreterCustom,
) -> None:
    reference = code_interpreter.code_interpreter_custom_ref
    assert reference.code_interpreter_arn == code_interpreter.code_interpreter_arn


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("metric_latency_for_api_operation", "Latency"),
        ("metric_invocations_for_api_operation", "Invocations"),
        ("metric_errors_for_api_operation", "Errors"),
        ("metric_throttles_for_api_operation", "Throttles"),
        ("metric_system_errors_for_api_operation", "SystemErrors"),
        ("metric_user_errors_for_api_operation", "UserErrors"),
    ],
)
def test_metrics_keep_their_operation_when_given_dimensions(
    stack: Stack, code_interpreter: agentcore.ICodeInterpreterCustom, method: str, name: str
) -> None:
    measure = getattr(code_interpreter, method)
    metric: cloudwatch.Metric = measure(
        "InvokeCodeInterpreter", dimensions_map={"More": "x"}, period=Duration.minutes(1)
    )
    assert (metric.namespace, metric.metric_name) == ("AWS/Bedrock-AgentCore", name)
    assert metric.period.to_seconds() == 60
    assert dimensions(stack, metric) == {
        "Resource": stack.resolve(code_interpreter.code_interpreter_arn),
        "Operation": "InvokeCodeInterpreter",
        "More": "x",
    }


def test_the_metric_of_sessions_keeps_its_operation(
    stack: Stack, code_interpreter: agentcore.ICodeInterpreterCustom
) -> None:
    metric = code_interpreter.metric_session_duration(dimensions_map={"More": "x"})
    assert metric.metric_name == "Duration"
    assert dimensions(stack, metric)["Operation"] == "CodeInterpreterSession"
    assert dimensions(stack, metric)["More"] == "x"


def dimensions(stack: Stack, metric: cloudwatch.Metric) -> dict[str, Any]:
    return dict(stack.resolve(metric.dimensions))
