"""A response that breaks off is asked for again with the same key."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError, ReadTimeoutError
from botocore.response import StreamingBody

from code_interpreter_client import function
from code_interpreter_client.function import Function

WHOLE = json.dumps({"status": "ok"}).encode()


class Client:
    """Lambda, whose first response breaks off."""

    def __init__(self, broken: Any) -> None:
        self._bodies = [broken, StreamingBody(io.BytesIO(WHOLE), str(len(WHOLE)))]
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
