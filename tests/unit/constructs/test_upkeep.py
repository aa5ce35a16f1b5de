"""The sweeper and the warm spare, as the construct of the invoke function switches them on."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Stack
from aws_cdk.assertions import Template

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace
from code_interpreter_invoke.upkeep import EVENT

from .everything import new_app


def template(**arguments: Any) -> Template:
    stack = Stack(new_app(), "Stack")
    InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter(stack, "Interpreter"),
        workspace=Workspace(stack, "Workspace"),
        **arguments,
    )
    return Template.from_stack(stack)


@cache
def template_without_upkeep() -> Template:
    return template()


def function(found: Template) -> dict[str, Any]:
    [properties] = [
        resource["Properties"]
        for resource in found.find_resources("AWS::Lambda::Function").values()
        if "WORKSPACE_BUCKET" in resource["Properties"].get("Environment", {}).get("Variables", {})
    ]
    return dict(properties["Environment"]["Variables"])


@pytest.mark.parametrize(
    ("arguments", "rate", "variables"),
    [
        (
            {"idle_limit": Duration.minutes(30)},
            "rate(5 minutes)",
            {"IDLE_LIMIT_SECONDS": "1800"},
        ),
        ({"warm_spare": True}, "rate(1 minute)", {"WARM_SPARE": "true"}),
        (
            {"idle_limit": Duration.hours(1), "warm_spare": True},
            "rate(1 minute)",
            {"IDLE_LIMIT_SECONDS": "3600", "WARM_SPARE": "true"},
        ),
    ],
)
def test_a_schedule_invokes_the_function_with_a_role_for_that_alone(
    arguments: dict[str, Any], rate: str, variables: dict[str, str]
) -> None:
    off, found = template_without_upkeep(), template(**arguments)
    assert function(found) == {**function(off), **variables}
    [schedule] = [
        resource["Properties"]
        for resource in found.find_resources("AWS::Scheduler::Schedule").values()
    ]
    assert schedule["ScheduleExpression"] == rate
    assert json.loads(schedule["Target"]["Input"]) == EVENT
    assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 0
    roles = found.find_resources("AWS::IAM::Role")
    role = roles[schedule["Target"]["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
    [policy] = role["Policies"]
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Action": "lambda:InvokeFunction",
            "Effect": "Allow",
            "Resource": schedule["Target"]["Arn"],
        }
    ]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    count = len(off.to_json()["Resources"])
    assert len(found.to_json()["Resources"]) == count + 2


def test_a_limit_can_be_known_at_deployment_only() -> None:
    stack = Stack(new_app(), "Other")
    limit = CfnParameter(stack, "Limit", type="Number").value_as_number
    InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter(stack, "Interpreter"),
        workspace=Workspace(stack, "Workspace"),
        idle_limit=Duration.seconds(limit),
    )
    assert function(Template.from_stack(stack))["IDLE_LIMIT_SECONDS"] == {"Ref": "Limit"}


def test_both_are_off_by_default() -> None:
    template_without_upkeep().resource_count_is("AWS::Scheduler::Schedule", 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"idle_limit": Duration.seconds(299)}, "idle_limit is 299 seconds.* 300 or more"),
        ({"idle_limit": Duration.hours(9)}, "idle_limit"),
        (
            {"warm_spare": True, "session_timeout": Duration.minutes(9)},
            "session_timeout is 540 seconds.* pass 600 seconds or more",
        ),
    ],
)
def test_limits_are_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        template(**arguments)
