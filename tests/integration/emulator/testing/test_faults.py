"""Every fault, as boto3 meets it."""

from __future__ import annotations

import time
import urllib.error
from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EventStreamError,
    ReadTimeoutError,
)
from urllib3.exceptions import ProtocolError

from agentcore_emulator.model import service_model
from agentcore_emulator.model.errors import ERRORS
from tests.integration.emulator.serving import Served, wait_until

INVOKE = "InvokeCodeInterpreter"
START = "StartCodeInterpreterSession"
CREATE = {"name": "one", "networkConfiguration": {"networkMode": "SANDBOX"}}


def failure(served: Served, session: dict[str, str], **options: Any) -> ClientError:
    with pytest.raises(ClientError) as error:
        served.invoke(session, **options)
    return error.value


@pytest.mark.parametrize("code", ERRORS)
def test_every_modelled_error(served: Served, code: str) -> None:
    session = served.session()
    served.inject(operation=INVOKE, kind="error", error=code, message="on demand")
    response = failure(served, session).response
    assert response["Error"] == {"Code": code, "Message": "on demand"}
    assert response["ResponseMetadata"]["HTTPStatusCode"] == service_model.error_status(code)
    assert served.sandboxes[0].invoked == []


@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_every_unmodelled_status(served: Served, status: int) -> None:
    session = served.session()
    served.inject(operation=INVOKE, kind="http", status=status)
    response = failure(served, session).response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize(("when", "executions"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["http", "reset"])
def test_before_or_after_the_effect(served: Served, kind: str, when: str, executions: int) -> None:
    session = served.session()
    served.inject(operation=INVOKE, kind=kind, status=503, when=when)
    with pytest.raises((ClientError, ConnectionClosedError)):
        served.invoke(session)
    assert len(served.sandboxes[0].invoked) == executions
    assert [call["took_effect"] for call in served.calls(INVOKE)] == [executions == 1]


@pytest.mark.parametrize(
    "fault", [{"kind": "reset"}, {"kind": "http", "status": 500}, {"kind": "hang"}]
)
def test_default_retries_of_boto3_run_code_more_than_once(
    served: Served, fault: dict[str, Any]
) -> None:
    session = served.session()
    served.inject(operation=INVOKE, when="after", count=None, **fault)
    retrying: dict[str, Any] = {"retries": {"mode": "standard"}, "read_timeout": 0.3}
    with pytest.raises((ClientError, ConnectionClosedError, ReadTimeoutError)):
        served.invoke(session, **retrying)
    wait_until(lambda: [call["took_effect"] for call in served.calls(INVOKE)] == [True] * 3)
    assert len(served.sandboxes[0].invoked) == 3


def test_one_attempt_runs_code_once(served: Served) -> None:
    session = served.session()
    served.inject(operation=INVOKE, kind="reset", when="after", count=None)
    with pytest.raises(ConnectionClosedError):
        served.invoke(session)
    assert len(served.sandboxes[0].invoked) == 1


def test_a_start_that_is_sent_again_after_a_reset_makes_one_session(served: Served) -> None:
    served.inject(operation=START, kind="reset", when="after")
    data = served.data(retries={"mode": "standard"})
    data.start_code_interpreter_session(codeInterpreterIdentifier="aws.codeinterpreter.v1")
    assert len(served.calls(START)) == 2
    assert len(served.sandboxes) == 1


def test_hang(served: Served) -> None:
    session = served.session()
    served.inject(operation=INVOKE, kind="hang")
    with pytest.raises(ReadTimeoutError):
        served.invoke(session, read_timeout=0.2)
    served.invoke(session)


def test_slow(served: Served) -> None:
    session = served.session()
    served.inject(operation=INVOKE, kind="slow", seconds=0.3)
    began = time.monotonic()
    assert "result" in served.invoke(session)[0]
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("name", service_model.stream_exceptions())
@pytest.mark.parametrize(("when", "executions"), [("before", 0), ("after", 1)])
def test_every_exception_in_the_stream(
    served: Served, name: str, when: str, executions: int
) -> None:
    session = served.session()
    served.inject(kind="stream_exception", error=name, when=when, message="in the stream")
    error = failure(served, session)
    assert isinstance(error, EventStreamError)
    assert error.response["Error"] == {"Code": name, "Message": "in the stream"}
    assert len(served.sandboxes[0].invoked) == executions


@pytest.mark.parametrize("kind", ["stream_empty", "stream_truncated"])
def test_a_stream_that_ends_without_an_event(served: Served, kind: str) -> None:
    session = served.session()
    served.inject(kind=kind)
    assert served.invoke(session) == []
    assert "result" in served.invoke(session)[0]


@pytest.mark.parametrize(
    ("kind", "error"), [("stream_reset", ProtocolError), ("stream_corrupt", ChecksumMismatch)]
)
def test_a_stream_that_breaks(served: Served, kind: str, error: type[Exception]) -> None:
    session = served.session()
    served.inject(kind=kind)
    with pytest.raises(error):
        served.invoke(session)
    assert len(served.sandboxes[0].invoked) == 1


def test_a_stream_fault_leaves_a_refused_request_as_it_is(served: Served) -> None:
    served.inject(kind="stream_corrupt")
    session = {**served.session(), "sessionId": "unknown"}
    assert failure(served, session).response["Error"]["Code"] == "ResourceNotFoundException"


def test_create_failed_and_delete_failed(served: Served) -> None:
    control = served.control()
    served.inject(kind="create_failed", reason="no capacity")
    failed = served.interpreter("failed")
    read = control.get_code_interpreter(codeInterpreterId=failed)
    assert (read["status"], read["failureReason"]) == ("CREATE_FAILED", "no capacity")
    served.inject(kind="delete_failed", reason="interfaces in use")
    control.delete_code_interpreter(codeInterpreterId=failed)
    read = control.get_code_interpreter(codeInterpreterId=failed)
    assert (read["status"], read["failureReason"]) == ("DELETE_FAILED", "interfaces in use")
    control.delete_code_interpreter(codeInterpreterId=failed)
    assert served.local("GET", "state")["codeInterpreters"] == []
    working = served.interpreter("working")
    assert control.get_code_interpreter(codeInterpreterId=working)["status"] == "READY"


def test_role_validation_fails_the_first_creates(served: Served) -> None:
    served.inject(kind="role_validation", count=2)
    create = served.control().create_code_interpreter
    for _ in range(2):
        with pytest.raises(ClientError, match="CodeInterpreter role validation failed") as error:
            create(**CREATE)
        assert error.value.response["Error"]["Code"] == "ValidationException"
    create(**CREATE)


def test_the_local_path_says_what_is_wrong_with_a_fault(served: Served) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        served.inject(kind="explode")
    with error.value as response:
        assert response.code == 400
        assert "explode" in response.read().decode()
