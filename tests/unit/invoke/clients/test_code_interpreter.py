from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch, InvalidPayloadLength
from botocore.exceptions import ClientError, EventStreamError
from urllib3.exceptions import ProtocolError

from code_interpreter_invoke.clients import Clients, CodeInterpreterClient, CurrentId
from code_interpreter_invoke.deadline import Deadline
from code_interpreter_invoke.errors import (
    CodeFailedError,
    InvalidRequestError,
    NotStartedError,
    OutcomeUnknownError,
    RequestError,
)
from code_interpreter_invoke.requests.tools import TOOLS
from tests.fakes.agentcore import Stream
from tests.fakes.client_error import client_error

OPERATIONS = TOOLS["invoke_code_interpreter"].input_schema["properties"]["name"]["enum"]

DONE = {"content": [], "structuredContent": {"stdout": "x", "exitCode": 0}, "isError": False}
PARTIAL = {"content": [], "structuredContent": {"stdout": "x"}}
WRITTEN = {"content": [{"type": "text", "text": "Successfully wrote"}], "isError": False}

Steps = list[dict[str, Any] | Exception]


class Service:
    """A service whose stream has the given steps: results and failures."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self.sent = 0

    def invoke_code_interpreter(self, **_: Any) -> dict[str, Any]:
        self.sent += 1
        self.stream = Stream(self._stream())
        return {"stream": self.stream}

    def _stream(self) -> Iterator[dict[str, Any]]:
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
            yield {"result": step}


def client_of(service: Service, deadline: Deadline) -> CodeInterpreterClient:
    clients = Clients(agentcore_single_attempt=service, agentcore=None, s3=None)
    return CodeInterpreterClient(clients, CurrentId("id", None, lambda: None), deadline, "owner")


def test_a_look_up_of_the_id_ends_before_the_deadline() -> None:
    is_over = threading.Event()

    def connect_ssm() -> Any:
        is_over.wait(timeout=60)

    clients = Clients(agentcore_single_attempt=None, agentcore=None, s3=None)
    deadline = Deadline(0.1)
    client = CodeInterpreterClient(clients, CurrentId("id", "/id", connect_ssm), deadline, "owner")
    assert not client.look_up_identifier()
    assert deadline.remaining() > -30
    is_over.set()


Invoke = Callable[..., list[dict[str, Any]]]


def invoke(steps: Steps, name: str = "executeCode") -> list[dict[str, Any]]:
    service = Service(steps)
    client = client_of(service, Deadline(60))
    try:
        return list(client.invoke("session", name, {}))
    finally:
        assert service.sent == 1


def test_the_stream_is_read_to_its_end() -> None:
    assert invoke([PARTIAL, DONE, DONE]) == [PARTIAL, DONE, DONE]


BROKEN = [
    ProtocolError("cut"),
    ConnectionResetError(),
    ChecksumMismatch(1, 2),
    EventStreamError({"Error": {"Code": "internalServerException"}}, "Invoke"),
    KeyError("a defect of botocore's"),
]


@pytest.mark.parametrize("failure", BROKEN, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("before", [[], [PARTIAL]], ids=["no result", "part of a result"])
def test_a_stream_that_breaks_before_its_result_is_an_unknown_outcome(
    before: Steps, failure: Exception
) -> None:
    with pytest.raises(OutcomeUnknownError):
        invoke([*before, failure])


def test_an_empty_stream_is_an_unknown_outcome() -> None:
    with pytest.raises(OutcomeUnknownError, match="without a result"):
        invoke([])


@pytest.mark.parametrize(("name", "result"), [("executeCode", DONE), ("writeFiles", WRITTEN)])
def test_a_complete_result_counts_if_the_connection_breaks_after_it(
    name: str, result: dict[str, Any]
) -> None:
    assert invoke([result, ProtocolError("cut")], name) == [result]


def test_an_exception_event_after_a_result_is_an_unknown_outcome() -> None:
    failure = EventStreamError({"Error": {"Code": "internalServerException"}}, "Invoke")
    with pytest.raises(OutcomeUnknownError):
        invoke([DONE, failure])


TOO_LARGE = {
    "executeCode": (CodeFailedError, "executeCode ran.* write large output to a file"),
    "executeCommand": (CodeFailedError, "executeCommand ran.* write large output to a file"),
    "startCommandExecution": (CodeFailedError, "ran"),
    "writeFiles": (CodeFailedError, "ran"),
    "removeFiles": (CodeFailedError, "ran"),
    "stopTask": (CodeFailedError, "ran"),
    "readFiles": (InvalidRequestError, "ci_push_to_workspace.* workspace_read"),
    "listFiles": (InvalidRequestError, "list its subfolders"),
    "getTask": (InvalidRequestError, "write large output to a file"),
}


REFUSED_RESULT = {
    "Error": {
        "Code": "serviceQuotaExceededException",
        "Message": "The result is larger than 25165824 bytes",
    }
}


@pytest.mark.parametrize(
    "refusal",
    [InvalidPayloadLength(30_000_000), EventStreamError(REFUSED_RESULT, "Invoke")],
    ids=["by botocore", "by the service"],
)
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_result_that_is_too_large_to_receive_says_what_to_do(
    name: str, refusal: Exception
) -> None:
    """Whether the operation ran is known."""
    error_type, message = TOO_LARGE[name]
    with pytest.raises(error_type, match=message) as failure:
        invoke([refusal], name)
    assert "too large to receive" in failure.value.message


def test_a_result_of_which_the_rest_is_too_large_is_known_to_have_run() -> None:
    with pytest.raises(CodeFailedError, match="executeCode ran"):
        invoke([PARTIAL, InvalidPayloadLength(30_000_000)])


def test_no_operation_is_sent_without_time_for_it() -> None:
    service = Service([DONE])
    clock = iter([0.0])
    client = client_of(service, Deadline(60, now=lambda: next(clock, 54.5)))
    with pytest.raises(NotStartedError):
        list(client.invoke("session", "executeCode", {}))
    assert service.sent == 0


THROTTLED = client_error("ThrottlingException", 429, "InvokeCodeInterpreter")
FULL = client_error("ServiceQuotaExceededException", 402, "InvokeCodeInterpreter")


class RefusingService(Service):
    """A service that refuses the first operations."""

    def __init__(self, refusals: list[ClientError]) -> None:
        super().__init__([DONE])
        self._refusals = refusals

    def invoke_code_interpreter(self, **arguments: Any) -> dict[str, Any]:
        if self._refusals:
            self.sent += 1
            raise self._refusals.pop(0)
        return super().invoke_code_interpreter(**arguments)


def refused(
    refusals: list[ClientError], seconds: float = 60, **options: Any
) -> tuple[RefusingService, list[dict[str, Any]] | NotStartedError]:
    """Invoke with a service that refuses; return the results, or the error."""
    service = RefusingService(refusals)
    client = client_of(service, Deadline(seconds))
    try:
        return service, list(client.invoke("session", "executeCode", {}, **options))
    except NotStartedError as error:
        return service, error


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("code_interpreter_invoke.clients.code_interpreter.FIRST_PAUSE", 0.01)


@pytest.mark.usefixtures("_no_pauses")
def test_an_operation_that_the_service_refuses_for_now_is_sent_again() -> None:
    service, results = refused([THROTTLED, FULL, FULL])
    assert results == [DONE]
    assert service.sent == 4


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize(
    ("seconds", "options"), [(1.5, {}), (60, {"is_last": True})], ids=["no time", "last"]
)
def test_a_service_that_goes_on_refusing_is_told(seconds: float, options: dict[str, Any]) -> None:
    service, error = refused([FULL] * 1000, seconds, **options)
    assert isinstance(error, NotStartedError)
    assert error.retryable
    assert "ServiceQuotaExceededException" in error.message
    assert service.sent < 1000
    if options:
        assert service.sent == 1


def test_access_that_is_denied_is_not_asked_for_again() -> None:
    denied = client_error("AccessDeniedException", 403, "InvokeCodeInterpreter")
    service, error = refused([denied, denied])
    assert isinstance(error, NotStartedError)
    assert service.sent == 1


@pytest.mark.parametrize("steps", [[DONE], [PARTIAL, ProtocolError("cut")], []])
def test_every_stream_is_closed(steps: Steps) -> None:
    service = Service(steps)
    client = client_of(service, Deadline(60))
    with contextlib.suppress(OutcomeUnknownError):
        list(client.invoke("session", "executeCode", {}))
    assert service.stream.closed


def test_a_failure_never_shows_a_stack_trace() -> None:
    with pytest.raises(RequestError) as failure:
        invoke([KeyError("x")])
    assert failure.value.__suppress_context__
