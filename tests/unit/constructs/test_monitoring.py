from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Match, Template

from cdk_code_interpreter import (
    CodeInterpreter,
    InvokeFunction,
    Monitoring,
    ServiceLog,
    Workspace,
)
from code_interpreter_invoke import metrics

from .everything import new_app
from .templates import only

START, INVOKE = "StartCodeInterpreterSession", "InvokeCodeInterpreter"


@pytest.fixture(scope="module")
def default() -> Monitoring:
    """Return what is defined with default settings, which tests only read."""
    return build(Stack(new_app(), "Test"))


@pytest.fixture(scope="module")
def default_stack(default: Monitoring) -> Stack:
    return Stack.of(default)


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
        ("CodeInterpreter", "not_started", None, 0.1),
    ],
)
def test_there_is_an_alarm_for_it(
    template: Template, namespace: str, metric: str, operation: str | None, threshold: float
) -> None:
    name = "function_name" if namespace == "CodeInterpreter" else "FunctionName"
    function = Match.object_like({"Name": name})
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


def test_there_are_no_other_alarms(default: Monitoring, template: Template) -> None:
    assert len(default.alarms) == 10
    template.resource_count_is("AWS::CloudWatch::Alarm", 10)


def test_every_unknown_outcome_raises_an_alarm(template: Template) -> None:
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "Namespace": "CodeInterpreter",
            "MetricName": "errors",
            "Statistic": "Sum",
            "Threshold": 1,
            "Dimensions": Match.array_with([{"Name": "error_type", "Value": "OutcomeUnknown"}]),
        },
    )


def test_a_share_of_requests_that_did_not_start_raises_an_alarm_when_it_lasts(
    template: Template,
) -> None:
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {"MetricName": "not_started", "Statistic": "Average", "EvaluationPeriods": 3},
    )


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


def test_the_dashboard_shows_the_metrics_of_the_log_lines(default_stack: Stack) -> None:
    """The function names them anew, because the library imports none of its code."""
    body = json.dumps(only(default_stack, "AWS::CloudWatch::Dashboard")["DashboardBody"])
    emitted = {metric["Name"] for metric in [*metrics.ALWAYS, *metrics.SOMETIMES.values()]}
    assert {name for name in emitted if name in body} == emitted
    for dimension in (metrics.TOOL, metrics.ERROR_TYPE):
        assert f"{{CodeInterpreter,{metrics.FUNCTION},{dimension}}}" in body


def test_the_function_logs_metrics_where_they_are_monitored(template: Template) -> None:
    variables = {"METRICS_NAMESPACE": "CodeInterpreter"}
    template.has_resource_properties(
        "AWS::Lambda::Function", {"Environment": {"Variables": Match.object_like(variables)}}
    )


def test_the_service_delivers_no_logs_by_default(template: Template) -> None:
    template.resource_count_is("AWS::Logs::DeliverySource", 0)


def test_the_service_delivers_the_logs_that_are_asked_for(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    monitoring = build(
        stack,
        service_logs=list(ServiceLog),
        log_retention=logs.RetentionDays.ONE_WEEK,
        log_encryption_key=key,
    )
    template = Template.from_stack(stack)
    assert monitoring.log_groups.keys() == {ServiceLog.APPLICATION, ServiceLog.USAGE}
    for kind in ("APPLICATION_LOGS", "TRACES", "USAGE_LOGS"):
        template.has_resource_properties(
            "AWS::Logs::DeliverySource",
            {"LogType": kind, "ResourceArn": Match.any_value(), "Name": Match.any_value()},
        )
    template.resource_count_is("AWS::Logs::Delivery", 3)
    template.resource_properties_count_is(
        "AWS::Logs::DeliveryDestination", {"DeliveryDestinationType": "XRAY"}, 1
    )
    template.resource_properties_count_is(
        "AWS::Logs::LogGroup",
        {"RetentionInDays": 7, "KmsKeyId": stack.resolve(key.key_arn)},
        2,
    )


def test_only_log_delivery_of_this_account_writes_the_service_logs(stack: Stack) -> None:
    monitoring = build(stack, service_logs=[ServiceLog.USAGE])
    [policy] = Template.from_stack(stack).find_resources("AWS::Logs::ResourcePolicy").values()
    document = json.dumps(policy["Properties"]["PolicyDocument"])
    group = stack.resolve(monitoring.log_groups[ServiceLog.USAGE].log_group_arn)
    assert "delivery.logs.amazonaws.com" in document
    assert "aws:SourceAccount" in document
    assert group["Fn::GetAtt"][0] in document


def test_a_replacement_gets_a_delivery_source_of_its_own(stack: Stack) -> None:
    """A name with the id: sources of the same name would collide during a replacement."""
    interpreter = CodeInterpreter(stack, "Interpreter")
    build(stack, interpreter, service_logs=[ServiceLog.USAGE])
    source = only(stack, "AWS::Logs::DeliverySource")
    parts = {"Fn::Split": ["-", stack.resolve(interpreter.code_interpreter_id)]}
    assert {"Fn::Select": [1, parts]} in source["Name"]["Fn::Join"][1]


def test_the_name_of_a_delivery_source_is_short_enough() -> None:
    stack = Stack(new_app(), "A" * 60)
    interpreter = CodeInterpreter.from_id(stack, "Theirs", f"{'n' * 48}-0123456789")
    build(stack, interpreter, service_logs=list(ServiceLog))
    template = Template.from_stack(stack)
    for kind in ("Source", "Destination"):
        for resource in template.find_resources(f"AWS::Logs::Delivery{kind}").values():
            assert re.fullmatch(r"[\w-]{1,60}", resource["Properties"]["Name"])


def test_fails_on_logs_of_the_code_interpreter_of_aws(stack: Stack) -> None:
    theirs = CodeInterpreter.aws_managed(stack, "Theirs")
    with pytest.raises(ValueError, match="belongs to AWS, which delivers no logs"):
        build(stack, theirs, service_logs=[ServiceLog.USAGE])


def test_fails_on_a_log_that_is_given_twice(stack: Stack) -> None:
    with pytest.raises(ValueError, match="USAGE, USAGE, but each may be given once"):
        build(stack, service_logs=[ServiceLog.USAGE, ServiceLog.USAGE])


def test_it_works_for_a_code_interpreter_of_others(stack: Stack) -> None:
    build(stack, CodeInterpreter.aws_managed(stack, "Theirs"))
    Template.from_stack(stack).resource_count_is("AWS::CloudWatch::Dashboard", 1)
