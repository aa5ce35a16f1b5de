"""The service under test: boto3 clients that compare every response with the model."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import boto3
from botocore.config import Config
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import EventStreamError
from botocore.model import OperationModel, Shape

from tests.conformance.shapes import differences

SYSTEM_INTERPRETER = "aws.codeinterpreter.v1"
PATIENCE_SECONDS = 120
POLL_SECONDS = 0.1

Session = dict[str, str]


class Service:
    """The two clients, and methods for the usual calls.

    `endpoint` is None for the service's own endpoints, with boto3's own credentials and region.
    """

    def __init__(self, endpoint: str | None) -> None:
        # A call that runs code must never be sent twice.
        config = Config(retries={"total_max_attempts": 1}, read_timeout=PATIENCE_SECONDS)
        options: dict[str, Any] = {"config": config}
        if endpoint is not None:
            options |= {
                "endpoint_url": endpoint,
                "region_name": "eu-west-1",
                "aws_access_key_id": "111122223333",
                "aws_secret_access_key": "secret",
            }
        self.control = boto3.client("bedrock-agentcore-control", **options)
        self.data = boto3.client("bedrock-agentcore", **options)
        for client in (self.control, self.data):
            client.meta.events.register("after-call.*.*", _compare)

    def close(self) -> None:
        self.control.close()
        self.data.close()

    @contextmanager
    def interpreter(self, **options: Any) -> Iterator[dict[str, Any]]:
        """Create a custom interpreter, yield Create's response, and delete it at the end."""
        parameters = {"name": name(), "networkConfiguration": {"networkMode": "SANDBOX"}, **options}
        created: dict[str, Any] = self.control.create_code_interpreter(**parameters)
        try:
            self.wait_for_status(created["codeInterpreterId"], "READY")
            yield created
        finally:
            self.delete(created["codeInterpreterId"])

    def status(self, interpreter_id: str) -> str:
        read = self.control.get_code_interpreter(codeInterpreterId=interpreter_id)
        return str(read["status"])

    def wait_for_status(self, interpreter_id: str, status: str) -> None:
        eventually(lambda: self.status(interpreter_id) == status)

    def is_gone(self, interpreter_id: str) -> bool:
        try:
            self.status(interpreter_id)
        except self.control.exceptions.ResourceNotFoundException:
            return True
        return False

    def delete(self, interpreter_id: str) -> None:
        """Delete and wait, whatever state the interpreter is in."""
        errors = self.control.exceptions
        with suppress(errors.ConflictException, errors.ResourceNotFoundException):
            self.control.delete_code_interpreter(codeInterpreterId=interpreter_id)
        eventually(lambda: self.is_gone(interpreter_id))

    @contextmanager
    def session(self, identifier: str = SYSTEM_INTERPRETER, **options: Any) -> Iterator[Session]:
        """Start a session, yield the parameters that name it, and stop it at the end."""
        started = self.data.start_code_interpreter_session(
            codeInterpreterIdentifier=identifier, **options
        )
        session = {"codeInterpreterIdentifier": identifier, "sessionId": started["sessionId"]}
        try:
            yield session
        finally:
            self.stop(session)

    def stop(self, session: Session) -> None:
        """Stop a session, unless it has ended already."""
        with suppress(self.data.exceptions.ResourceNotFoundException):
            self.data.stop_code_interpreter_session(**session)

    def invoke(self, session: Session, tool: str, **arguments: Any) -> dict[str, Any]:
        """Invoke a tool, compare every event with the model, and return the merged result."""
        response = self.data.invoke_code_interpreter(**session, name=tool, arguments=arguments)
        assert response["sessionId"] == session["sessionId"]
        operation = self.data.meta.service_model.operation_model("InvokeCodeInterpreter")
        shape = operation.get_event_stream_output().members["result"]
        result: dict[str, Any] = {"content": [], "isError": False}
        documents = list(_raw_events(response["stream"]))
        assert documents, "no result event came"
        for document in documents:
            assert differences(shape, document) == []
            result["content"] += document["content"]
            result["isError"] |= document.get("isError", False)
            if "structuredContent" in document:
                result["structuredContent"] = document["structuredContent"]
        return result

    def python(self, session: Session, code: str, **arguments: Any) -> dict[str, Any]:
        return self.invoke(session, "executeCode", code=code, language="python", **arguments)


def name() -> str:
    """Return a name that no other run uses; CONFORMANCE_NAME is its beginning, if it is set."""
    return f"{os.environ.get('CONFORMANCE_NAME', 'conformance')}_{uuid.uuid4().hex[:12]}"


def token() -> str:
    """Return a new client token."""
    return f"conformance-{uuid.uuid4()}"


def text(result: dict[str, Any]) -> str:
    return "".join(block.get("text", "") for block in result["content"])


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} seconds"
        time.sleep(POLL_SECONDS)


def _compare(http_response: Any, model: OperationModel, **_: Any) -> None:
    """Compare one response with the model, before the test sees it."""
    if model.has_event_stream_output and http_response.status_code == 200:
        return
    if http_response.status_code < 300:
        assert http_response.status_code == model.http["responseCode"]
        shape: Shape = model.output_shape
    else:
        code = http_response.headers.get("x-amzn-errortype", "").partition(":")[0]
        modelled = {error.name: error for error in model.service_model.error_shapes}
        assert code in modelled, f"HTTP {http_response.status_code} without a modelled error"
        shape = modelled[code]
        assert http_response.status_code == shape.metadata["error"]["httpStatusCode"]
    document = json.loads(http_response.content or b"{}")
    assert differences(shape, document) == []


def _raw_events(stream: Any) -> Iterator[dict[str, Any]]:
    """Yield the raw `result` payloads: botocore's parser would drop members it does not know."""
    buffer = EventStreamBuffer()
    for chunk in stream._raw_stream.stream():
        buffer.add_data(chunk)
        for message in buffer:
            if message.headers[":message-type"] == "exception":
                error = {"Code": message.headers[":exception-type"], "Message": ""}
                raise EventStreamError({"Error": error}, "InvokeCodeInterpreter")
            assert message.headers[":message-type"] == "event"
            assert message.headers[":event-type"] == "result"
            assert message.headers[":content-type"] == "application/json"
            yield json.loads(message.payload)
    stream.close()
