from __future__ import annotations

import json
import urllib.error
from typing import Any

import pytest

from tests.integration.emulator.serving import ACCOUNT, REGION, Served

SECRET_CODE = "password = 'hunter2'"


def test_state(served: Served) -> None:
    interpreter_id = served.interpreter()
    session = served.session()
    state = served.local("GET", "state")
    owner = {"account": ACCOUNT, "region": REGION}
    assert state["codeInterpreters"] == [
        {**owner, "codeInterpreterId": interpreter_id, "status": "READY"}
    ]
    running = {**owner, **session, "status": "READY", "callsInFlight": 0, "processIds": [4242]}
    assert state["sessions"] == [running]
    served.data().stop_code_interpreter_session(**session)
    ended = {**running, "status": "TERMINATED", "processIds": []}
    assert served.local("GET", "state")["sessions"] == [ended]


def test_reset_ends_sessions_and_forgets_everything(served: Served) -> None:
    served.interpreter()
    served.session()
    served.inject(operation="*", kind="reset")
    served.advance(300)
    before = served.local("GET", "state")["now"]
    served.local("POST", "reset")
    assert served.sandboxes[0].closed == 1
    state = served.local("GET", "state")
    assert (state["codeInterpreters"], state["sessions"]) == ([], [])
    assert state["now"] < before
    assert served.local("GET", "calls") == {"calls": []}
    served.interpreter()


def test_received_requests_hold_ids_and_sizes_but_no_code(served: Served) -> None:
    session = served.session(name="private name")
    served.invoke(session, SECRET_CODE)
    start, invoke = served.local("GET", "calls")["calls"]
    assert (
        start.items()
        >= {
            "operation": "StartCodeInterpreterSession",
            "account": ACCOUNT,
            "region": REGION,
            "code_interpreter_id": "aws.codeinterpreter.v1",
            "session_id": session["sessionId"],
            "took_effect": True,
            "status": 200,
        }.items()
    )
    assert invoke["tool"] == "executeCode"
    assert invoke["request_bytes"] > len(SECRET_CODE)
    assert invoke["response_bytes"] > 0
    assert "hunter2" not in json.dumps([start, invoke])
    assert "private name" not in json.dumps([start, invoke])


def test_a_refused_request_took_no_effect(served: Served) -> None:
    with pytest.raises(served.data().exceptions.ResourceNotFoundException):
        served.invoke({**served.session(), "sessionId": "unknown"})
    call = served.calls("InvokeCodeInterpreter")[0]
    assert (call["took_effect"], call["status"]) == (False, 404)


def test_faults_are_listed_and_removed(served: Served) -> None:
    served.inject(operation="*", kind="reset", count=3)
    assert served.local("GET", "faults")["faults"][0]["count"] == 3
    assert served.local("DELETE", "faults") == {"faults": []}
    assert served.local("GET", "faults") == {"faults": []}


@pytest.mark.parametrize(
    ("method", "name", "document", "status"),
    [
        ("POST", "clock", {}, 400),
        ("POST", "clock", {"advance_seconds": -1}, 400),
        ("POST", "clock", {"advance_seconds": "1"}, 400),
        ("POST", "clock", {"advance_seconds": True}, 400),
        ("POST", "clock", {"advance_seconds": float("inf")}, 400),
        ("POST", "clock", {"advance_seconds": float("nan")}, 400),
        ("POST", "clock", {"advance_seconds": 1e12}, 400),
        ("POST", "clock", {"advance_seconds": 10**400}, 400),
        ("POST", "clock", [], 400),
        ("GET", "reset", None, 404),
        ("GET", "unknown", None, 404),
    ],
)
def test_refuses_a_request_that_makes_no_sense(
    served: Served, method: str, name: str, document: Any, status: int
) -> None:
    before = served.local("GET", "state")["now"]
    with pytest.raises(urllib.error.HTTPError) as error:
        served.local(method, name, document)
    with error.value as response:
        assert response.code == status
        assert json.load(response)["message"]
    assert served.local("GET", "state")["now"] > before
