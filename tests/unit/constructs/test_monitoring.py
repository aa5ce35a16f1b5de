from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Match, Template

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Monitoring, Workspace

from .everything import new_app
from .templates import only

START, INVOKE = "StartCodeInterpreterSession", "InvokeCodeInterpreter"


@pytest.fixture(scope="module")
def default_stack() -> Stack:
    """Return a stack with default settings, which tests only read."""
    stack = Stack(new_app(), "Test")
    build(stack)
    return stack


@pytest.fixture(scope="module")
def template(default_stack: Stack) -> Template:
    return Template.from_stack(default_stack)


def build(
    stack: Stack, interpreter: agentcore.ICodeInterpreterCustom | None = None, **properties: Any
) -> Monitoring:
    interpreter = interpreter or CodeInterpreter(stack, "Interpreter")
    invoke = InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=interpreter,
        workspace=Workspace(stack, "Workspace"),
        timeout=Duration.minutes(10),
    )
    return Monitoring(
        stack, "Monitoring", code_interpreter=interpreter, function=invoke.function, **properties
    )


@pytest.mark.parametrize(
    ("namespace", "metric", "operation", "threshold"),
    [
        ("AWS/Lambda", "Errors", None, 1),
        ("AWS/Lambda", "Throttles", None, 1),
        ("AWS/Lambda", "Duration", None, 540_000),
        ("AWS/Bedrock-AgentCore", "SystemErrors", START, 1),
        ("AWS/Bedrock-AgentCore", "SystemErrors", INVOKE, 1),
        ("AWS/Bedrock-AgentCore", "Throttles", START, 1),
        ("AWS/Bedrock-AgentCore", "Throttles", INVOKE, 1),
        ("AWS/Bedrock-AgentCore", "Latency", START, 10_000),
    ],
)
def test_there_is_an_alarm_for_it(
    template: Template, namespace: str, metric: str, operation: str | None, threshold: int
) -> None:
    function = Match.object_like({"Name": "FunctionName"})
    dimension = {"Name": "Operation", "Value": operation} if operation else function
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": Match.array_with([dimension]),
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
        },
    )


def test_there_are_no_other_alarms(stack: Stack) -> None:
    assert len(build(stack).alarms) == 8
    Template.from_stack(stack).resource_count_is("AWS::CloudWatch::Alarm", 8)


def test_a_single_slow_start_raises_no_alarm(template: Template) -> None:
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {"MetricName": "Latency", "ExtendedStatistic": "p90", "EvaluationPeriods": 3},
    )


def test_every_alarm_takes_the_actions(stack: Stack) -> None:
    topic = sns.Topic(stack, "Topic")
    build(stack, alarm_actions=[actions.SnsAction(topic)])
    Template.from_stack(stack).all_resources_properties(
        "AWS::CloudWatch::Alarm", {"AlarmActions": [stack.resolve(topic.topic_arn)]}
    )


def test_the_dashboard_shows_everything_that_is_measured(default_stack: Stack) -> None:
    body = json.dumps(only(default_stack, "AWS::CloudWatch::Dashboard")["DashboardBody"])
    for metric in ("Invocations", "SystemErrors", "UserErrors", "Throttles", "Latency", "Duration"):
        assert metric in body
    assert "CodeInterpreterSession" in body


def test_it_works_for_a_code_interpreter_of_others(stack: Stack) -> None:
    build(stack, CodeInterpreter.aws_managed(stack, "Theirs"))
    Template.from_stack(stack).resource_count_is("AWS::CloudWatch::Dashboard", 1)
