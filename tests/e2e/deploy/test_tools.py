"""Every tool and every kind of caller, through Lambda's API and with authorisation on."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from code_interpreter_invoke.requests.tools import TOOLS
from verify.tool_calls import TOOL_CALLS

from .tool_calls import CALLERS, TIMEOUT_SECONDS, executed

if TYPE_CHECKING:
    from collections.abc import Callable

    from .deployment import Deployment


# A task of a state machine sends the event that a direct caller sends.
@pytest.mark.parametrize(
    "caller",
    [
        pytest.param(caller, marks=pytest.mark.slow if caller == "states" else ())
        for caller in CALLERS
    ],
)
def test_every_tool(deployed: Deployment, caller: str) -> None:
    call = CALLERS[caller]
    assert {given["tool"] for given, _ in TOOL_CALLS} == set(TOOLS)
    for given, expected in TOOL_CALLS:
        response = call(deployed, f"tools-{caller}", **given)
        if TOOLS[given["tool"]].direct_only and caller in ("gateway", "agent"):
            assert response["error"]["type"] == "InvalidRequest"
        else:
            assert response["status"] == "ok", (given, response)
            assert expected.items() <= response.items(), (given, response)


@pytest.mark.parametrize(
    ("caller", "lines"),
    [pytest.param("direct", 1_300_000, marks=pytest.mark.slow), ("agent", 5000)],
)
def test_a_response_too_large_for_its_caller_is_truncated_and_kept_whole(
    deployed: Deployment, caller: str, lines: int
) -> None:
    """Lambda and Bedrock would fail the call after the code has run."""
    call = CALLERS[caller]
    response = call(deployed, "large", "execute_code", code=f"print('\"x\\n' * {lines})")
    assert (response["status"], response["truncated"]) == ("ok", True)
    assert response["stdout"].startswith('"x\n"x\n')
    kept = deployed.client("s3").get_object(
        Bucket=deployed.outputs()["WorkspaceBucketName"],
        Key=f"workspace/large/{response['full_response']}",
    )
    assert json.load(kept["Body"])["stdout"] == '"x\n' * lines


def test_an_asynchronous_call_runs_once_however_often_it_arrives(deployed: Deployment) -> None:
    event = {
        "tool": "execute_code",
        "session": "events",
        "idempotency_key": "once",
        "code": "open('ran.txt', 'a').write('ran ')\nprint('ran')",
        "output_filename": "ran.txt",
    }
    client = deployed.client("lambda")
    name = deployed.outputs()["InvokeFunctionName"]
    for _ in range(2):
        sending = client.invoke(
            FunctionName=name, InvocationType="Event", Payload=json.dumps(event)
        )
        assert sending["StatusCode"] == 202
    deployed.client("s3").get_waiter("object_exists").wait(
        Bucket=deployed.outputs()["WorkspaceBucketName"],
        Key="workspace/events/code-interpreter/ran.txt",
        WaiterConfig={"Delay": 1, "MaxAttempts": TIMEOUT_SECONDS},
    )
    response = deployed.invoke(**event)
    assert (response["replayed"], response["stdout"]) == (True, "ran")
    read = deployed.invoke(tool="execute_command", session="events", command="cat ran.txt")
    assert read["stdout"].strip() == "ran"


def test_lambda_is_told_not_to_repeat_events(deployed: Deployment) -> None:
    settings = deployed.client("lambda").get_function_event_invoke_config(
        FunctionName=deployed.outputs()["InvokeFunctionName"], Qualifier="$LATEST"
    )
    assert settings["MaximumRetryAttempts"] == 0


def test_a_state_machine_runs_a_command(deployed: Deployment) -> None:
    execution = commanded(deployed, "Patient", "sleep 1; echo done; echo ran >> ran.txt")
    assert execution["status"] == "SUCCEEDED", execution
    output = json.loads(execution["output"])
    assert (output["session"], output["exit_code"]) == ("states", 0)
    assert output["stdout"].strip() == "done"
    read = deployed.invoke(tool="execute_command", session="states", command="cat ran.txt")
    assert read["stdout"].split() == ["ran"]


def test_a_state_machine_in_json_path_runs_a_command(deployed: Deployment) -> None:
    execution = commanded(deployed, "Paths", 'echo "it\'s"; echo ran >> paths.txt')
    assert execution["status"] == "SUCCEEDED", execution
    output = json.loads(execution["output"])
    assert (output["session"], output["exit_code"]) == ("states", 0)
    assert output["stdout"].split() == ["it's", "end"]
    read = deployed.invoke(tool="execute_command", session="states", command="cat paths.txt")
    assert read["stdout"].split() == ["ran"]


def test_a_state_machine_fails_with_its_command(deployed: Deployment) -> None:
    execution = commanded(deployed, "Patient", "echo canary; exit 3")
    assert execution["status"] == "FAILED", execution
    assert (execution["error"], execution["cause"]) == ("CodeFailed", "exit code 3: canary")


def test_a_state_machine_stops_a_command_that_takes_too_long(deployed: Deployment) -> None:
    execution = commanded(deployed, "Hasty", "sleep 61; sleep 62")
    assert (execution["status"], execution["error"]) == ("FAILED", "TimedOut"), execution
    started = output_of(deployed, execution["executionArn"], "HastyTask: Start")
    task = deployed.invoke(
        tool="invoke_code_interpreter",
        session="states",
        name="getTask",
        arguments={"taskId": started["task_id"]},
    )
    assert task["structuredContent"]["taskStatus"] == "canceled"
    assert "sleep 6" not in processes(deployed)


@pytest.mark.slow
def test_the_sandbox_ends_the_command_of_an_execution_that_was_stopped(
    deployed: Deployment,
) -> None:
    """A minute after its timeout, which is one second."""
    states = deployed.client("stepfunctions")
    execution = states.start_execution(
        stateMachineArn=deployed.outputs()["Hasty"],
        input=json.dumps({"session": "states", "command": "sleep 100 & sleep 101"}),
    )["executionArn"]
    until(lambda: "sleep 101" in processes(deployed), seconds=20)
    states.stop_execution(executionArn=execution)
    until(lambda: "sleep 10" not in processes(deployed), seconds=75)


def processes(deployed: Deployment) -> str:
    """Return the command lines of all processes in the sandbox."""
    code = (
        "import pathlib\n"
        "for file in pathlib.Path('/proc').glob('[0-9]*/cmdline'):\n"
        "    print(file.read_text().replace(chr(0), ' '))"
    )
    response = deployed.invoke(tool="execute_code", session="states", code=code)
    return str(response["stdout"])


def until(condition: Callable[[], bool], *, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.5)


def test_the_role_allows_everything_that_the_function_does(deployed: Deployment) -> None:
    """The decisions are those of all calls so far."""
    deployed.invoke(tool="execute_code", session="denied", code="1")
    decisions = deployed.decisions(deployed.role_of("InvokeFunction"))
    assert decisions
    assert [decision for decision in decisions if decision["decision"] != "Allow"] == []


def commanded(deployed: Deployment, machine: str, command: str) -> dict[str, Any]:
    """Execute a state machine that runs a command, and return the ended execution."""
    return executed(deployed, machine, {"session": "states", "command": command})


def output_of(deployed: Deployment, execution: str, state: str) -> dict[str, Any]:
    """Return the output of a state of an execution."""
    pages = deployed.client("stepfunctions").get_paginator("get_execution_history")
    [output] = [
        json.loads(event["stateExitedEventDetails"]["output"])
        for event in pages.paginate(executionArn=execution).search("events[]")
        if event.get("stateExitedEventDetails", {}).get("name") == state
    ]
    found: dict[str, Any] = output
    return found
