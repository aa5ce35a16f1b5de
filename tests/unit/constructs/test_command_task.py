"""The states of a command task, and the state that follows each response of the function."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any
from unittest.mock import ANY

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.assertions import Template
from jsonata import Jsonata

from cdk_code_interpreter import CodeInterpreter, CommandTask, InvokeFunction, Workspace

from .everything import new_app

PAST, FUTURE = 0, 10**15  # milliseconds
RUNNING = {"taskStatus": "working", "stdout": "", "stderr": ""}
ENDED = {"taskStatus": "completed", "stdout": "a\n", "stderr": "", "exitCode": 0}


@pytest.fixture
def function(stack: Stack) -> InvokeFunction:
    return new_function(stack)


@pytest.fixture(scope="module")
def default_states() -> dict[str, Any]:
    """Return the states of a command task with default settings."""
    stack = Stack(new_app(), "Test")
    return states(stack, task(stack, new_function(stack)))


def new_function(stack: Stack) -> InvokeFunction:
    return InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter(stack, "Interpreter"),
        workspace=Workspace(stack, "Workspace"),
    )


def task(stack: Stack, function: InvokeFunction, **properties: Any) -> CommandTask:
    properties = {"session": "nightly", "command": "make", **properties}
    return CommandTask(stack, "Build", function=function, **properties)


def states(stack: Stack, chain: sfn.IChainable) -> dict[str, Any]:
    """Return the states of a state machine that consists of `chain`."""
    sfn.StateMachine(stack, "Machine", definition_body=sfn.DefinitionBody.from_chainable(chain))
    template = Template.from_stack(stack)
    [machine] = template.find_resources("AWS::StepFunctions::StateMachine").values()
    parts = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    definition = json.loads("".join(part if isinstance(part, str) else "x" for part in parts))
    found: dict[str, Any] = definition["States"]
    return found


def evaluate(expression: str, **states: Any) -> Any:
    """Evaluate a JSONata expression in a state with these members of `$states`."""
    jsonata = Jsonata(expression.removeprefix("{%").removesuffix("%}"))
    bindings = jsonata.create_frame()
    bindings.bind("states", states)
    return jsonata.evaluate({}, bindings)


def data_after(response: dict[str, Any], *, deadline: int = FUTURE) -> dict[str, Any]:
    """Return the fragment's data after a response of the function."""
    return {"session": "s", "task_id": "t", "deadline": deadline, "response": response}


def ok(structured: dict[str, Any]) -> dict[str, Any]:
    return {"status": "ok", "structuredContent": structured}


def error(kind: str, message: str = "canary", **structured: Any) -> dict[str, Any]:
    failed = {"type": kind, "message": message}
    return {"status": "error", "error": failed, "structuredContent": structured}


def test_the_command_is_started_once_and_asked_for(stack: Stack, function: InvokeFunction) -> None:
    found = states(
        stack,
        task(stack, function, poll_interval=Duration.seconds(3), timeout=Duration.hours(2)),
    )
    payloads = {
        name: state["Arguments"]["Payload"]
        for name, state in found.items()
        if state["Type"] == "Task"
    }
    call = {"tool": "invoke_code_interpreter", "session": "{% $states.input.session %}"}
    this = {"taskId": "{% $states.input.task_id %}"}
    assert payloads == {
        "Build: Start": {
            **call,
            "name": "startCommandExecution",
            "arguments": {"command": ANY},
            "idempotency_key": "{% $states.input.key %}",
        },
        "Build: Ask": {**call, "name": "getTask", "arguments": this},
        "Build: Stop": {**call, "name": "stopTask", "arguments": this},
    }
    assert found["Build: Prepare"]["Output"]["key"] == "{% $uuid() %}"
    assert found["Build: Wait"]["Seconds"] == 3
    assert [found[f"Build: {name}"]["Next"] for name in ("Prepare", "Start", "Wait", "Ask")] == [
        "Build: Start",
        "Build: Ended?",
        "Build: Ask",
        "Build: Ended?",
    ]


def test_the_defaults(default_states: dict[str, Any]) -> None:
    assert default_states["Build: Wait"]["Seconds"] == 15
    assert default_states["Build: Prepare"]["Output"]["timeout_seconds"] == 28_800


def test_expressions_are_jsonata_or_json_path(stack: Stack, function: InvokeFunction) -> None:
    jsonata = task(stack, function, session="{% $states.input.who %}")
    paths = CommandTask(
        stack, "Test", function=function, session="s", command=sfn.JsonPath.string_at("$.run")
    )
    found = states(stack, jsonata.next(paths))
    assert found["Build: Prepare"]["Output"]["session"] == "{% $states.input.who %}"
    assert found["Build: Result"]["Next"] == "Test: Prepare"
    assert found["Test: Prepare"]["Parameters"] == {
        "session": "s",
        "command.$": "$.run",
        "timeout_seconds": 28_800,
        "key.$": "States.UUID()",
    }
    assert "QueryLanguage" not in found["Test: Prepare"]


def test_query_languages_are_not_mixed(stack: Stack, function: InvokeFunction) -> None:
    path = sfn.JsonPath.string_at("$.session")
    with pytest.raises(ValueError, match=r"command is '{% 1 %}'.*use one query language"):
        task(stack, function, session=path, command="{% 1 %}")


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"timeout": Duration.hours(9)}, "timeout is 32400 s.*1 to 28800 s"),
        ({"timeout": Duration.seconds(0)}, "timeout is 0 s.*1 to 28800 s"),
        ({"poll_interval": Duration.seconds(0)}, "poll_interval is 0 s.*1 to 28800 s"),
        (
            {"poll_interval": Duration.seconds(11)},
            "poll_interval is 11 s, but with a timeout of 28800 s it must be 12 s or more",
        ),
        (
            {"poll_interval": Duration.seconds(1), "timeout": Duration.seconds(2_501)},
            "poll_interval is 1 s, but with a timeout of 2501 s it must be 2 s or more",
        ),
    ],
)
def test_fails_on_times_that_are_not_allowed(
    stack: Stack, function: InvokeFunction, properties: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        task(stack, function, **properties)


def test_the_data_after_each_response(default_states: dict[str, Any]) -> None:
    response = ok({"taskId": "t", "taskStatus": "submitted"})
    prepared = {"session": "s", "command": "c", "key": "k", "timeout_seconds": 60}
    result = {"Payload": response}
    started = evaluate(default_states["Build: Start"]["Output"], input=prepared, result=result)
    now = evaluate("$millis()")
    assert 0 < started.pop("deadline") - now <= 60_000
    assert started == {"session": "s", "task_id": "t", "response": response}
    refused = {"Payload": error("NotStarted")}
    started = evaluate(default_states["Build: Start"]["Output"], input=prepared, result=refused)
    assert "task_id" not in started
    before, now_running = data_after(response), {"Payload": ok(RUNNING)}
    asked = evaluate(default_states["Build: Ask"]["Output"], input=before, result=now_running)
    assert asked == data_after(ok(RUNNING))


@pytest.mark.parametrize(
    ("data", "state"),
    [
        (data_after(ok({"taskId": "t", "taskStatus": "submitted"})), "Wait"),
        (data_after(ok(RUNNING)), "Wait"),
        (data_after(ok(RUNNING), deadline=PAST), "Stop"),
        (data_after(error("NotStarted")), "Wait"),
        (data_after(error("OutcomeUnknown")), "Wait"),
        (data_after(error("TimedOut")), "Wait"),
        (data_after(error("TimedOut"), deadline=PAST), "Stop"),
        (data_after(ok(ENDED)), "Result"),
        (data_after(ok(ENDED), deadline=PAST), "Result"),
        (data_after(error("CodeFailed", taskStatus="completed", exitCode=3)), "Failed"),
        (data_after(ok({"taskStatus": "failed"})), "Failed"),
        (data_after(ok({"taskStatus": "canceled"})), "Failed"),
        (data_after(error("NotFound")), "Failed"),
        ({"session": "s", "deadline": FUTURE, "response": error("NotStarted")}, "Failed"),
        ({"session": "s", "deadline": FUTURE, "response": error("OutcomeUnknown")}, "Failed"),
    ],
)
def test_each_response_has_its_next_state(
    default_states: dict[str, Any], data: dict[str, Any], state: str
) -> None:
    choice = default_states["Build: Ended?"]
    next_states = [
        rule["Next"] for rule in choice["Choices"] if evaluate(rule["Condition"], input=data)
    ]
    assert [*next_states, choice["Default"]][0] == f"Build: {state}"


LONG = "x" * 600
FAILED: dict[str, Any] = {"taskStatus": "completed", "exitCode": 3}


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (
            data_after(error("CodeFailed", **FAILED, stderr="Traceback\n  ...\nKeyError: 1\n\n")),
            ("CodeFailed", "exit code 3: KeyError: 1"),
        ),
        (
            data_after(error("CodeFailed", **FAILED, stderr=LONG)),
            ("CodeFailed", f"exit code 3: {LONG[:500]}"),
        ),
        (data_after(error("CodeFailed", **FAILED, stderr="")), ("CodeFailed", "exit code 3")),
        (data_after(error("CodeFailed", **FAILED)), ("CodeFailed", "exit code 3")),
        (data_after(ok({"taskStatus": "failed", "exitCode": 1})), ("CodeFailed", "exit code 1")),
        (
            data_after(error("CodeFailed", taskStatus="completed", exitCode=124), deadline=PAST),
            ("TimedOut", "the command took longer than its timeout"),
        ),
        (
            data_after(error("CodeFailed", taskStatus="completed", exitCode=124)),
            ("CodeFailed", "exit code 124"),
        ),
        (
            data_after(ok(RUNNING), deadline=PAST),
            ("TimedOut", "the command took longer than its timeout"),
        ),
        (data_after(ok({"taskStatus": "failed"})), ("CodeFailed", "the command is failed")),
        (data_after(ok({"taskStatus": "canceled"})), ("Canceled", "the command is canceled")),
        (data_after(error("CodeFailed", taskStatus="canceled")), ("Canceled", "canary")),
        (data_after(error("NotFound")), ("NotFound", "canary")),
        (data_after(error("OutcomeUnknown")), ("OutcomeUnknown", "canary")),
        (
            {"session": "s", "deadline": FUTURE, "response": error("InvalidRequest", LONG)},
            ("InvalidRequest", LONG[:500]),
        ),
        (
            {**data_after(ok(RUNNING)), "failure": {"Error": "Lambda.Unknown", "Cause": LONG}},
            ("Lambda.Unknown", f"the request for the status failed: {LONG}"[:500]),
        ),
    ],
)
def test_a_failure_has_a_type_and_a_cause(
    default_states: dict[str, Any], data: dict[str, Any], failure: tuple[str, str]
) -> None:
    failed = default_states["Build: Failed"]
    error, cause = (evaluate(failed[name], input=data) for name in ("Error", "Cause"))
    assert (error, cause) == failure


def test_a_command_that_takes_too_long_is_stopped(default_states: dict[str, Any]) -> None:
    stop = default_states["Build: Stop"]
    unchanged = "{% $states.input %}"
    assert (stop["Next"], stop["Output"]) == ("Build: Failed", unchanged)
    assert stop["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "Next": "Build: Failed", "Output": unchanged}
    ]


@pytest.mark.parametrize("kind", ["States.DataLimitExceeded", "States.ALL"])
def test_a_command_that_cannot_be_asked_for_is_stopped(
    default_states: dict[str, Any], kind: str
) -> None:
    [catch] = [one for one in default_states["Build: Ask"]["Catch"] if one["ErrorEquals"] == [kind]]
    assert catch["Next"] == "Build: Stop"
    failure = {"Error": "Lambda.Unknown", "Cause": "out of memory"}
    before = data_after(ok(RUNNING))
    after = evaluate(catch["Output"], input=before, errorOutput=failure)
    assert after == {**before, "failure": failure}


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_sandbox_ends_the_command_of_a_stopped_execution(
    default_states: dict[str, Any], shell: str
) -> None:
    expression = default_states["Build: Start"]["Arguments"]["Payload"]["arguments"]["command"]

    def run(command: str, seconds: int) -> subprocess.CompletedProcess[str]:
        line = evaluate(expression, input={"command": command, "timeout_seconds": seconds - 60})
        return subprocess.run([shell, "-c", line], capture_output=True, text=True, check=False)

    quoted = run(r"""printf '%s\n' "it's" '$HOME' '\'; exit 3""", 30)
    assert (quoted.stdout, quoted.returncode) == ("it's\n$HOME\n\\\n", 3)
    began = time.monotonic()
    # The output ends when the last process that writes to it has ended.
    ended = run("sleep 30 & echo begun; sleep 30", 1)
    assert time.monotonic() - began < 10
    assert (ended.stdout, ended.returncode) == ("begun\n", 124)


def test_the_output_is_the_result_of_the_command(default_states: dict[str, Any]) -> None:
    result = default_states["Build: Result"]
    output = evaluate(result["Output"], input=data_after(ok(ENDED)))
    expected = {"session": "s", "task_id": "t", "exit_code": 0, "stdout": "a\n", "stderr": ""}
    assert output == expected
    assert result["End"]
