"""A response that breaks off is asked for again with the same key, and what that can tell."""

from __future__ import annotations

import io
import json
import os
from typing import Any

import boto3
import pytest
from botocore.exceptions import IncompleteReadError, ReadTimeoutError
from botocore.response import StreamingBody

from code_interpreter_client import function
from code_interpreter_client.connections import lambda_client
from code_interpreter_client.errors import OutcomeUnknown
from code_interpreter_client.function import Function

WHOLE = json.dumps({"status": "ok"}).encode()


class Client:
    """Lambda, whose first response breaks off."""

    def __init__(self, broken: Any, response: bytes = WHOLE) -> None:
        self._bodies = [broken, StreamingBody(io.BytesIO(response), str(len(response)))]
        self.keys: list[str] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3
        assert FunctionName == "f"
        self.keys.append(json.loads(Payload)["idempotency_key"])
        return {"Payload": self._bodies.pop(0)}


class Raising:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self) -> bytes:
        raise self._error


@pytest.mark.parametrize(
    "body",
    [
        StreamingBody(io.BytesIO(b""), ""),  # cut in the header Content-Length
        StreamingBody(io.BytesIO(b""), "15"),
        StreamingBody(io.BytesIO(b""), None),  # cut before it
        Raising(IncompleteReadError(actual_bytes=1, expected_bytes=2)),
        Raising(ReadTimeoutError(endpoint_url="http://f")),
        Raising(ConnectionResetError()),
    ],
)
def test_it_is_asked_for_again(body: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function, "FIRST_PAUSE", 0)
    client = Client(body)
    assert Function("f", client).request("execute_code", {"code": "1"}) == {"status": "ok"}
    assert len(client.keys) == 2
    assert len(set(client.keys)) == 1


@pytest.mark.parametrize("retryable", [True, False])
def test_that_another_attempt_ran_nothing_says_nothing_of_the_first(
    retryable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function, "FIRST_PAUSE", 0.1)
    refused = {"type": "NotStarted", "message": "S3 is busy", "retryable": retryable}
    response = json.dumps({"status": "error", "error": refused}).encode()
    client = Client(Raising(ConnectionResetError()), response)
    # Time for one attempt more.
    of_function = Function("f", client, retry_seconds=0.12)
    with pytest.raises(OutcomeUnknown, match=r"\(S3 is busy\), and the code may have run") as lost:
        of_function.request("execute_code", {"code": "1"})
    assert client.keys == [lost.value.idempotency_key] * 2


def test_a_forked_process_has_connections_of_its_own() -> None:
    client = lambda_client(
        boto3.Session(aws_access_key_id="a", aws_secret_access_key="test", region_name="us-east-1")
    )
    manager = client._endpoint.http_session._manager
    inherited = manager.connection_from_url("http://127.0.0.1:1")
    process = os.fork()
    if process == 0:
        os._exit(0 if manager.connection_from_url("http://127.0.0.1:1") is not inherited else 1)
    assert os.waitpid(process, 0)[1] == 0
    assert manager.connection_from_url("http://127.0.0.1:1") is inherited
