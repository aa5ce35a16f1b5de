"""The schedule that has the invoke function stop idle sandboxes and start the warm spare."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack, Tokenization
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from ..limits import MAX_SESSION_SECONDS, MIN_IDLE_LIMIT, MIN_SESSION_OF_SPARES
from .late_module import LateModule
from .nag import acknowledge_inline_policy
from .permissions import INVOKE_FUNCTION, SCHEDULER_PRINCIPAL
from .validation import check_duration

if TYPE_CHECKING:
    from aws_cdk import aws_scheduler as scheduler
else:
    scheduler = LateModule("aws_cdk.aws_scheduler")

# `code_interpreter_invoke` has the same event.
_EVENT = {"schedule": "upkeep"}
_MINUTES_OF_SWEEPS = 5
_MINUTES_OF_SPARES = 1


def check_upkeep(idle_limit: Duration | None, warm_spare: bool, session_timeout: Duration) -> None:
    if idle_limit is not None:
        check_duration("idle_limit", idle_limit, MAX_SESSION_SECONDS)
        if not idle_limit.is_unresolved() and idle_limit.to_seconds() < MIN_IDLE_LIMIT:
            raise ValueError(
                f"idle_limit is {idle_limit.to_seconds():g} seconds, but it must be "
                f"{MIN_IDLE_LIMIT} or more, because the sweeper looks every "
                f"{_MINUTES_OF_SWEEPS} minutes; pass a longer time"
            )
    if warm_spare and not session_timeout.is_unresolved():
        seconds = session_timeout.to_seconds()
        if seconds < MIN_SESSION_OF_SPARES:
            raise ValueError(
                f"warm_spare is given and session_timeout is {seconds:g} seconds, but a spare is "
                f"replaced within a quarter of it; pass {MIN_SESSION_OF_SPARES} seconds or more, "
                "or leave warm_spare out"
            )


def upkeep_environment(idle_limit: Duration | None, warm_spare: bool) -> dict[str, str]:
    """Return the variables that switch the sweeper and the spare on."""
    variables = {}
    if idle_limit is not None:
        variables["IDLE_LIMIT_SECONDS"] = Tokenization.stringify_number(idle_limit.to_seconds())
    if warm_spare:
        variables["WARM_SPARE"] = "true"
    return variables


def add_schedule(scope: Construct, function: lambda_.Function, *, warm_spare: bool) -> None:
    """Define the schedule, and a role that may invoke the function and do nothing else."""
    account = Stack.of(scope).account
    role = iam.Role(
        scope,
        "UpkeepRole",
        assumed_by=iam.ServicePrincipal(
            SCHEDULER_PRINCIPAL, conditions={"StringEquals": {"aws:SourceAccount": account}}
        ),
        inline_policies={
            "Invoke": iam.PolicyDocument(
                statements=[
                    iam.PolicyStatement(actions=INVOKE_FUNCTION, resources=[function.function_arn])
                ]
            )
        },
    )
    acknowledge_inline_policy(role, "the policy serves this role, and goes with it")
    minutes = _MINUTES_OF_SPARES if warm_spare else _MINUTES_OF_SWEEPS
    schedule = scheduler.CfnSchedule(
        scope,
        "Upkeep",
        description="Stops idle sandboxes and keeps the warm spare",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        schedule_expression=f"rate({minutes} minute{'s' if minutes > 1 else ''})",
        target=scheduler.CfnSchedule.TargetProperty(
            arn=function.function_arn,
            role_arn=role.role_arn,
            input=json.dumps(_EVENT),
            # The next one comes soon.
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_event_age_in_seconds=60, maximum_retry_attempts=0
            ),
        ),
    )
    schedule.node.add_dependency(role)
