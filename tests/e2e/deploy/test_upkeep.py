"""The schedule's event stops idle sandboxes, and keeps a warm spare for the next session."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Deploy
    from .deployment import Deployment


def schedule(deployment: Deployment) -> dict[str, Any]:
    """Return the target of the stack's schedule."""
    client = deployment.client("scheduler")
    [found] = client.list_schedules()["Schedules"]
    return dict(client.get_schedule(Name=found["Name"])["Target"])


def keep_up(deployment: Deployment) -> None:
    """Send the schedule's event, as the schedule does every minute."""
    target = schedule(deployment)
    response = deployment.client("lambda").invoke(
        FunctionName=target["Arn"], Payload=target["Input"].encode()
    )
    assert json.load(response["Payload"]) == {"status": "ok"}


def sandboxes(deployment: Deployment) -> list[str]:
    """Return the ids of the sandboxes that run."""
    return [
        session["sessionId"]
        for session in deployment.agentcore.state()["sessions"]
        if session["account"] == deployment.account and session["status"] == "READY"
    ]


def started(deployment: Deployment) -> int:
    return [
        call["operation"]
        for call in deployment.agentcore.calls()
        if call["account"] == deployment.account
    ].count("StartCodeInterpreterSession")


def test_a_new_session_takes_the_spare_and_an_idle_session_loses_its_sandbox(
    deployment: Deployment, deploy: Deploy
) -> None:
    deploy({"idle-limit-seconds": 300, "warm-spare": True})
    name = deployment.outputs()["InvokeFunctionName"]
    keep_up(deployment)
    [spare] = sandboxes(deployment)
    keep_up(deployment)
    assert sandboxes(deployment) == [spare]
    starts = started(deployment)
    response = deployment.invoke(tool="execute_code", session="sales", code="x = 1; print(x)")
    assert (response["stdout"], response["session_id"]) == ("1", spare)
    assert started(deployment) == starts
    listed = deployment.invoke(tool="list_sessions", status="READY")["sessions"]
    assert {item["session"]: item["session_id"] for item in listed} == {"sales": spare}

    # The sweeper with a limit that a test can wait for, and without a spare.
    functions = deployment.client("lambda")
    environment = functions.get_function_configuration(FunctionName=name)["Environment"]
    environment["Variables"] |= {"IDLE_LIMIT_SECONDS": "1", "WARM_SPARE": "false"}
    functions.update_function_configuration(FunctionName=name, Environment=environment)
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)
    used = deployment.invoke(tool="execute_command", session="idle", command="true")
    assert set(sandboxes(deployment)) == {spare, used["session_id"]}
    time.sleep(2.5)  # the moments of last use and of S3 are real time
    keep_up(deployment)
    # The other session is from before, when its limit was longer.
    assert sandboxes(deployment) == [spare]
    again = deployment.invoke(tool="execute_command", session="idle", command="true")
    assert again["session_restarted"] is True
    assert "the session was idle" in again["warnings"][0]
    deployment.destroy()
    assert sandboxes(deployment) == []


@pytest.mark.slow
def test_the_schedule_runs_by_itself(deployment: Deployment, deploy: Deploy) -> None:
    deploy({"warm-spare": True})
    deadline = time.monotonic() + 120
    while not sandboxes(deployment):
        assert time.monotonic() < deadline
        time.sleep(1)
    deployment.destroy()
    assert sandboxes(deployment) == []
