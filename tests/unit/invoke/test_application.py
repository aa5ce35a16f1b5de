from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

from code_interpreter_invoke.tools import code as code_tools
from tests.fakes.client_error import client_error
from tests.fakes.lambda_context import Context
from tests.fakes.world import World
from tests.unit.invoke.canaries import CANARY, EVENTS, MESSAGE, logged


@pytest.mark.parametrize("event", [{}, [], None, "x", 7, {"tool": "x"}, {"messageVersion": 1}])
def test_every_event_gets_a_response_and_one_log_line(world: World, event: Any) -> None:
    response = world.function(event, Context())
    assert response["status"] == "error"
    assert response["error"]["type"] == "InvalidRequest"
    assert "\n" not in response["error"]["message"]
    assert world.agentcore.calls == []


def test_a_defect_of_the_function_is_no_stack_trace_and_no_success(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("CANARY")

    monkeypatch.setattr(code_tools, "execute_code", broken)
    response = world("execute_code", session="s", code="x")
    assert response["error"]["type"] == "OutcomeUnknown"
    assert "KeyError in broken" in response["error"]["message"]
    assert "CANARY" not in json.dumps(response)
    assert "failed_at=KeyError in broken" in caplog.text
    assert "CANARY" not in caplog.text


@pytest.mark.parametrize(
    ("age", "retryable"), [(0, True), (399, True), (401, False)], ids=["new", "young", "old"]
)
@pytest.mark.parametrize("service", ["AgentCore", "S3"])
def test_a_denial_may_pass_in_the_first_minutes_after_a_deployment(
    world: World, monkeypatch: pytest.MonkeyPatch, service: str, age: float, *, retryable: bool
) -> None:
    """IAM can take minutes to propagate the permissions of a new role."""

    def deny(operation: str, _detail: str) -> None:
        raise client_error("AccessDeniedException", 403, operation)

    world.settings = world.settings._replace(iam_propagation_seconds=400)
    world.function = world.new_function()
    now = time.time() + age
    monkeypatch.setattr("code_interpreter_invoke.application.time.time", lambda: now)
    (world.agentcore if service == "AgentCore" else world.s3).before = deny
    error = world("execute_code", session="s", code="x = 1")["error"]
    assert (error["type"], error["retryable"]) == ("NotStarted", retryable)
    assert ("IAM may not have propagated" in error["message"]) == retryable


def test_a_response_is_json(world: World) -> None:
    response = world.ok("execute_code", session="s", code="print(1)")
    assert json.loads(json.dumps(response)) == response
    assert next(iter(response)) == "status"


def test_one_line_of_the_log_tells_what_happened(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.ok("execute_code", session="s", code="(here / 'a').touch()", output_filename="a")
    [record] = caplog.records
    assert record.levelno == logging.INFO
    assert "tool=execute_code" in record.getMessage()
    fields = vars(record)
    assert fields["request_id"] == Context.aws_request_id
    assert (fields["session"], fields["status"], fields["files_saved"]) == ("s", "ok", 1)
    assert fields["caller"] == "Direct"
    assert isinstance(fields["duration_ms"], int)
    world("execute_code", session="s", code="1/0")
    assert vars(caplog.records[-1])["error_type"] == "CodeFailed"


# Nothing of a user's is ever logged.


@pytest.fixture
def every_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything any library logs, as if somebody had asked for all of it."""
    with caplog.at_level(logging.DEBUG):
        yield caplog


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["tool"])
@pytest.mark.parametrize("failing", ["nothing", "service", "stream", "bucket", "defect"])
def test_nothing_of_a_users_is_logged(
    world: World, every_log: pytest.LogCaptureFixture, event: dict[str, Any], failing: str
) -> None:
    def fail(operation: str, detail: str) -> None:
        match failing:
            case "service" if operation.startswith("execute"):
                raise client_error("ValidationException", 400, operation, MESSAGE)
            case "stream" if operation.startswith("execute"):
                raise ConnectionResetError(MESSAGE)
            case "bucket" if "Object" in operation and not detail.startswith("sessions/"):
                raise client_error("InternalError", 500, operation, MESSAGE)
            case "defect" if operation in ("executeCode", "ListObjectsV2"):
                raise AssertionError(MESSAGE)

    world.agentcore.before = world.s3.before = fail
    world.function({"session": "s", **event}, Context(5))
    assert CANARY not in logged(every_log)
    assert len(every_log.records) == 1
