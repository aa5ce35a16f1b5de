"""What only the wire shows: how often a request is sent, and what broken answers come to."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.code_interpreter_invoke.fakes import Context
from tests.code_interpreter_invoke.wire import Wire

COUNT = "from pathlib import Path; Path('runs').open('a').write('x')"
COUNTED = "import os; print(os.path.getsize('runs') if os.path.exists('runs') else 0)"

numbers = itertools.count()


def error(kind: str, when: str = "before") -> dict[str, Any]:
    return {"kind": "error", "error": kind, "when": when}


# fault of the call's own invocation -> what is answered, whether it may be sent again, how often
# the code ran. It is sent once in every case, but for the sandbox that has ended.
FAULTS = [
    (error("ThrottlingException"), "NotStarted", True, 0),
    (error("ServiceQuotaExceededException"), "NotStarted", True, 0),
    (error("AccessDeniedException"), "NotStarted", False, 0),
    (error("ValidationException"), "InvalidRequest", False, 0),
    (error("ConflictException"), "OutcomeUnknown", False, 0),
    (error("InternalServerException"), "OutcomeUnknown", False, 0),
    (error("InternalServerException", "after"), "OutcomeUnknown", False, 1),
    ({"kind": "http", "status": 429}, "NotStarted", True, 0),
    ({"kind": "http", "status": 500}, "OutcomeUnknown", False, 0),
    ({"kind": "http", "status": 503}, "OutcomeUnknown", False, 0),
    ({"kind": "http", "status": 504}, "OutcomeUnknown", False, 0),
    ({"kind": "http", "status": 500, "when": "after"}, "OutcomeUnknown", False, 1),
    ({"kind": "http", "status": 503, "when": "after"}, "OutcomeUnknown", False, 1),
    ({"kind": "http", "status": 504, "when": "after"}, "OutcomeUnknown", False, 1),
    ({"kind": "reset"}, "OutcomeUnknown", False, 0),
    ({"kind": "reset", "when": "after"}, "OutcomeUnknown", False, 1),
    ({"kind": "hang"}, "TimedOut", False, 0),
    ({"kind": "hang", "when": "after"}, "TimedOut", False, 1),
    ({"kind": "stream_empty"}, "OutcomeUnknown", False, 0),
    ({"kind": "stream_empty", "when": "after"}, "OutcomeUnknown", False, 1),
    ({"kind": "stream_truncated"}, "OutcomeUnknown", False, 1),
    ({"kind": "stream_reset"}, "OutcomeUnknown", False, 1),
    ({"kind": "stream_corrupt"}, "OutcomeUnknown", False, 1),
    *(
        (
            {"kind": "stream_exception", "error": name, "when": when},
            "OutcomeUnknown",
            False,
            int(when == "after"),
        )
        for when in ("before", "after")
        for name in (
            "accessDeniedException",
            "conflictException",
            "internalServerException",
            "resourceNotFoundException",
            "serviceQuotaExceededException",
            "throttlingException",
            "validationException",
        )
    ),
]


def identify(fault: object) -> str | None:
    return "-".join(map(str, fault.values())) if isinstance(fault, dict) else None


@pytest.mark.parametrize(("fault", "kind", "retryable", "runs"), FAULTS, ids=identify)
def test_every_fault_is_told_truly_and_code_runs_at_most_once(
    shared_wire: Wire, fault: dict[str, Any], kind: str, retryable: bool, runs: int
) -> None:
    wire, session = shared_wire, f"s{next(numbers)}"
    wire.ok("execute_code", session=session, code="Path = None")
    before = len(wire.calls())
    wire.fault(operation="InvokeCodeInterpreter", **fault)
    seconds = 2 if fault["kind"] == "hang" else 60
    answer = wire("execute_code", session=session, code=COUNT, seconds=seconds)
    assert answer["status"] == "error"
    assert (answer["error"]["type"], answer["error"]["retryable"]) == (kind, retryable)
    assert answer["error"]["message"]
    sent = wire.calls()[before:]
    assert len(sent) == 1
    assert [call["took_effect"] for call in sent].count(True) == runs
    # The next call works, and in the same sandbox unless that one was still busy.
    following = wire.ok("execute_code", session=session, code=COUNTED)
    if fault["kind"] == "hang":
        assert following["session_restarted"] is True
    else:
        assert following["stdout"] == str(runs)


def test_a_slow_answer_is_waited_for(wire: Wire) -> None:
    wire.ok("execute_code", session="s", code="x = 1")
    wire.fault(operation="InvokeCodeInterpreter", kind="slow", seconds=0.5)
    assert wire.ok("execute_code", session="s", code="print(x)")["stdout"] == "1"


def test_a_sandbox_that_has_ended_is_replaced(wire: Wire) -> None:
    wire.put("uploads/data.csv", b"1,2")
    wire.ok("execute_code", session="s", code="x = 1")
    wire.fault(operation="InvokeCodeInterpreter", **error("ResourceNotFoundException"))
    answer = wire.ok("execute_code", session="s", code="print(open('data.csv').read())")
    assert answer["stdout"] == "1,2"
    assert answer["session_restarted"] is True


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "http", "status": 500, "when": "after"},
        {"kind": "http", "status": 503},
        {"kind": "reset", "when": "after"},
        error("ThrottlingException"),
        error("InternalServerException"),
    ],
    ids=identify,
)
@pytest.mark.parametrize("session", ["s", None])
def test_starting_is_repeated_and_starts_one_sandbox(
    wire: Wire, fault: dict[str, Any], session: str | None
) -> None:
    wire.fault(operation="StartCodeInterpreterSession", **fault)
    answer = wire.ok("execute_code", session=session, code="print(1)")
    assert answer["stdout"] == "1"
    assert len(wire.calls("StartCodeInterpreterSession")) == 2
    assert len(wire.running()) == (0 if session is None else 1)


@pytest.mark.parametrize(
    "fault", [{"kind": "reset", "when": "after"}, error("ThrottlingException")]
)
def test_stopping_is_repeated(wire: Wire, fault: dict[str, Any]) -> None:
    wire.ok("start_session", session="s")
    wire.fault(operation="StopCodeInterpreterSession", **fault)
    assert wire.ok("stop_session", session="s")["stopped"] is True
    assert wire.running() == []


@pytest.mark.parametrize("operation", ["StartCodeInterpreterSession", "StopCodeInterpreterSession"])
def test_the_answer_comes_in_time_whatever_hangs(wire: Wire, operation: str) -> None:
    wire.fault(operation=operation, kind="hang", count=None)
    context = 1.5
    answer = wire("execute_code", code="print(1)", seconds=context)
    if operation.startswith("Start"):
        assert answer["error"]["type"] == "NotStarted"
    else:
        assert answer["stdout"] == "1"


def test_the_streams_connection_is_used_again(wire: Wire) -> None:
    """A stream that is not read to its end costs the next call a connection."""
    for _ in range(3):
        wire.ok("execute_code", session="s", code="x = 1")
    http = wire.function._botocore.once._endpoint.http_session._manager
    [pool] = [http.pools[key] for key in http.pools.keys()]  # noqa: SIM118 - not a dictionary
    assert pool.num_connections == 1


def test_parallel_callers_of_one_session_share_a_sandbox(wire: Wire) -> None:
    functions = [wire.new_function() for _ in range(20)]

    def one(function: Any) -> dict[str, Any]:
        event = {"tool": "execute_code", "session": "s", "code": COUNT}
        return dict(function(event, Context()))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(one, functions))
    assert len(wire.running()) == 1
    # The service takes about ten calls at a time in one session and refuses the others.
    refused = [answer["error"] for answer in answers if answer["status"] != "ok"]
    assert {(error["type"], error["retryable"]) for error in refused} <= {("NotStarted", True)}
    ran = wire.ok("execute_code", session="s", code="print(len(open('runs').read()))")["stdout"]
    assert int(ran) == 20 - len(refused) >= 10


def test_parallel_callers_of_different_sessions_have_their_own(wire: Wire) -> None:
    functions = [wire.new_function() for _ in range(20)]

    def one(index: int) -> str:
        session = f"s{index}"
        for code in (f"x = {index}", "print(x)"):
            event = {"tool": "execute_code", "session": session, "code": code}
            answer = functions[index](event, Context())
            assert answer["status"] == "ok", answer
        return str(answer["stdout"])

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(one, range(20))) == [str(index) for index in range(20)]
    assert len(wire.running()) == 20


def test_a_large_file_goes_straight_between_sandbox_and_bucket(wire: Wire) -> None:
    content = bytes(range(256)) * 40_000
    wire.put("uploads/big.bin", content)
    wire.ok("execute_code", session="s", code="import os; os.rename('big.bin', 'out.bin')")
    wire.ok("ci_push_to_workspace", session="s", paths=["out.bin"])
    assert wire.get("code-interpreter/out.bin") == content
    assert max(call["request_bytes"] for call in wire.calls()) < 20_000
    assert max(call["response_bytes"] for call in wire.calls()) < 20_000


def test_a_task_outlasts_its_call(wire: Wire) -> None:
    def invoke(name: str, **arguments: str) -> dict[str, Any]:
        answer = wire("invoke_code_interpreter", session="s", name=name, arguments=arguments)
        return dict(answer["structuredContent"] or {}, status=answer["status"])

    task = invoke(
        "startCommandExecution", command="while [ ! -e go ]; do sleep 0.05; done; echo ok"
    )
    assert task["taskStatus"] == "submitted"
    assert invoke("getTask", taskId=task["taskId"])["taskStatus"] == "working"
    wire.ok("execute_command", session="s", command="touch go")
    while (found := invoke("getTask", taskId=task["taskId"]))["taskStatus"] == "working":
        pass
    assert (found["taskStatus"], found["stdout"], found["exitCode"]) == ("completed", "ok\r\n", 0)
