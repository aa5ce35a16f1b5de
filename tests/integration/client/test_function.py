"""Requests over the wire: what is sent again, with which key, and what a caller learns."""

from __future__ import annotations

import socket
import time
from typing import Any

import boto3
import pytest

from code_interpreter_client import (
    CodeInterpreter,
    CodeInterpreterError,
    FunctionUnavailable,
    InvalidRequest,
    OutcomeUnknown,
    function,
)
from code_interpreter_client.connections import lambda_client
from code_interpreter_client.function import Function

from .scripted_server import (
    ScriptedServer,
    Step,
    close,
    cut_in_body,
    cut_in_headers,
    fail,
    refuse,
    reset,
    respond,
)

# The option for the time until the first probe.
TCP_KEEPALIVE_ON_MACOS = 0x10

OK = {"status": "ok", "stdout": "42"}


def error(kind: str, *, retryable: bool = False) -> dict[str, Any]:
    details = {"type": kind, "message": "m", "retryable": retryable}
    return {"status": "error", "error": details}


BUSY = error("NotStarted", retryable=True)
STILL_RUNS = error("OutcomeUnknown", retryable=True)
THROTTLED = refuse(429, "TooManyRequestsException")
UPDATING = refuse(409, "ResourceConflictException")
BROKEN = refuse(502, "ServiceException")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(function, "MAX_PAUSE", 0.002)


def function_at(server: ScriptedServer, **options: float) -> Function:
    session = boto3.Session(
        aws_access_key_id="AKID",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.endpoint)
        return Function("invoke", lambda_client(session), **options)


@pytest.mark.parametrize(
    "steps",
    [
        [respond(OK)],
        [reset, respond(OK)],
        [close, respond(OK)],
        [cut_in_headers, respond(OK)],
        [cut_in_body, respond(OK)],
        [THROTTLED, respond(OK)],
        [UPDATING, respond(OK)],
        [BROKEN, respond(OK)],
        [respond(BUSY), respond(OK)],
        [respond(STILL_RUNS), respond(OK)],
        [reset, THROTTLED, respond(BUSY), cut_in_body, respond(STILL_RUNS), respond(OK)],
    ],
)
def test_a_request_is_sent_again_with_its_key_until_its_response_is_there(
    steps: list[Step],
) -> None:
    with ScriptedServer(*steps) as server:
        response = function_at(server).request("execute_code", {"code": "6 * 7"}, session="s")
    assert response == OK
    assert len(server.events) == len(steps)
    assert len({event["idempotency_key"] for event in server.events}) == 1


@pytest.mark.parametrize("kind", ["InvalidRequest", "CodeFailed", "TimedOut", "NotFound"])
def test_a_response_that_is_not_retryable_is_final(kind: str) -> None:
    with ScriptedServer(respond(error(kind))) as server:
        assert function_at(server).request("execute_code", {"code": "1"}) == error(kind)
    assert len(server.events) == 1


@pytest.mark.parametrize(
    ("step", "expected", "problem"),
    [
        (refuse(403, "AccessDeniedException"), FunctionUnavailable, "access_denied"),
        (refuse(403, "ExpiredTokenException"), FunctionUnavailable, "no_credentials"),
        (refuse(403, "UnrecognizedClientException"), FunctionUnavailable, "no_credentials"),
        (refuse(404, "ResourceNotFoundException"), FunctionUnavailable, "no_function"),
        (refuse(400, "ValidationException"), FunctionUnavailable, "refused"),
        (respond("hello"), FunctionUnavailable, "no_function"),
        (respond({"statusCode": 200}), FunctionUnavailable, "no_function"),
        (fail("2026 Task timed out after 3.00 seconds"), OutcomeUnknown, None),
    ],
)
def test_a_failure_that_will_stay_is_told_at_once(
    step: Step, expected: type[CodeInterpreterError], problem: str | None
) -> None:
    with ScriptedServer(step) as server, pytest.raises(expected) as caught:
        function_at(server).request("execute_code", {"code": "1"})
    assert len(server.events) == 1
    assert getattr(caught.value, "problem", None) == problem
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (THROTTLED, FunctionUnavailable),
        (reset, OutcomeUnknown),
        (BROKEN, OutcomeUnknown),
    ],
)
def test_patience_ends(step: Step, expected: type[CodeInterpreterError]) -> None:
    with ScriptedServer(step) as server, pytest.raises(expected) as caught:
        function_at(server, retry_seconds=0.5).request("execute_code", {"code": "1"})
    assert len(server.events) > 2
    keys = {event["idempotency_key"] for event in server.events}
    if isinstance(caught.value, OutcomeUnknown):
        assert keys == {caught.value.idempotency_key}
        assert str(caught.value.idempotency_key) in str(caught.value)


def test_a_busy_session_is_told_when_patience_ends() -> None:
    with ScriptedServer(respond(BUSY)) as server:
        assert function_at(server, retry_seconds=0.5).request("execute_code") == BUSY


def test_a_time_limit_ends_patience() -> None:
    began_at = time.monotonic()
    with ScriptedServer(respond(BUSY)) as server:
        request = {"code": "1", "timeout_seconds": 1}
        assert function_at(server).request("execute_code", request) == BUSY
    assert time.monotonic() - began_at < function.RETRY_SECONDS / 2


def test_a_refusal_after_a_lost_response_leaves_the_outcome_unknown() -> None:
    steps = [reset, refuse(403, "ExpiredTokenException")]
    with ScriptedServer(*steps) as server, pytest.raises(OutcomeUnknown, match="message of Exp"):
        function_at(server).request("execute_code", {"code": "1"})


def test_an_unreachable_function_is_told() -> None:
    with ScriptedServer() as server:
        unreachable = function_at(server, retry_seconds=0.01)
    with pytest.raises(FunctionUnavailable) as caught:
        unreachable.request("execute_code", {"code": "1"})
    assert caught.value.problem == "unreachable"


def test_a_request_that_lambda_would_refuse_is_not_sent() -> None:
    with ScriptedServer() as server, pytest.raises(InvalidRequest, match="at most 6291456"):
        function_at(server).request("execute_code", {"code": "x" * 6 * 1024 * 1024})
    assert server.events == []


@pytest.mark.parametrize(
    ("tool", "arguments", "has_key"),
    [
        ("execute_code", {"code": "1"}, True),
        ("file_operations", {"operation": "write", "path": "a", "text": "b"}, True),
        ("file_operations", {"operation": "read", "path": "a"}, False),
        ("invoke_code_interpreter", {"name": "executeCode", "arguments": {"code": "1"}}, True),
        ("invoke_code_interpreter", {"name": "getTask", "arguments": {"taskId": "1"}}, False),
        ("workspace_list", {}, False),
        ("stop_session", {}, False),
    ],
)
def test_a_request_that_may_change_something_has_a_key(
    tool: str, arguments: dict[str, Any], has_key: bool
) -> None:
    with ScriptedServer(respond(OK), respond(OK)) as server:
        client = function_at(server)
        client.request(tool, {**arguments, "left_out": None})
        client.request(tool, arguments)
    first, second = server.events
    assert ("idempotency_key" in first) == has_key
    assert not has_key or first["idempotency_key"] != second["idempotency_key"]
    assert "left_out" not in first


def test_idle_connections_send_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    idle = socket.TCP_KEEPIDLE if hasattr(socket, "TCP_KEEPIDLE") else TCP_KEEPALIVE_ON_MACOS
    seen: list[tuple[int, int, int]] = []
    connect = socket.socket.connect

    def record(self: socket.socket, address: Any) -> None:
        seen.append(
            (
                self.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                self.getsockopt(socket.IPPROTO_TCP, idle),
                self.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
            )
        )
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", record)
    with ScriptedServer(respond(OK)) as server:
        function_at(server).request("execute_code", {"code": "1"})
    assert seen == [(1, 60, 60)]


def test_a_profile_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nope")
    with pytest.raises(FunctionUnavailable, match="nope") as caught:
        CodeInterpreter.from_function("invoke")
    assert caught.value.problem == "no_credentials"
