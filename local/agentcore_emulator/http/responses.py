"""The HTTP responses of the service: results, errors, and those that a fault has spoiled."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

from agentcore_emulator.http import event_stream
from agentcore_emulator.http.exchange import Exchange, HttpResponse
from agentcore_emulator.model import service_model
from agentcore_emulator.model.errors import (
    ERRORS,
    ModelledError,
    ServiceQuotaExceededError,
    ValidationError,
)
from agentcore_emulator.model.service_model import Operation
from agentcore_emulator.testing.faults import HTTP_ERRORS, Fault

JSON = {"content-type": "application/json"}
SESSION_HEADER = "x-amzn-code-interpreter-session-id"


def success(operation: Operation, output: dict[str, Any]) -> HttpResponse:
    """Return the response of every operation but Invoke."""
    body = service_model.serialise_output(operation, output)
    return HttpResponse(operation.success_status, body, JSON)


def error(failure: ModelledError) -> HttpResponse:
    """Return a modelled error that is known before a stream begins."""
    status = service_model.error_status(failure.code)
    return HttpResponse(
        status, service_model.serialise_error(failure), {**JSON, "x-amzn-errortype": failure.code}
    )


def unmodelled_error(status: int, code: str, message: str) -> HttpResponse:
    """Return an error of the HTTP front end, which the API model does not name."""
    body = json.dumps({"message": message}).encode()
    return HttpResponse(status, body, {**JSON, "x-amzn-errortype": code})


def result(session_id: str, outcome: dict[str, Any]) -> HttpResponse:
    """Return a stream with a `result` event."""
    payload = service_model.serialise_result(outcome)
    if len(payload) > event_stream.MAXIMUM_PAYLOAD:
        too_large = f"The result is larger than {event_stream.MAXIMUM_PAYLOAD} bytes"
        return stream_exception(session_id, ServiceQuotaExceededError(too_large))
    return stream_response(session_id, event_stream.event("result", payload))


def stream_exception(session_id: str, failure: ModelledError) -> HttpResponse:
    """Return the stream of an Invoke that failed after its response had begun."""
    name = failure.code[0].lower() + failure.code[1:]
    return stream_response(
        session_id, event_stream.exception(name, service_model.serialise_error(failure))
    )


async def spoil(
    exchange: Exchange, fault: Fault, response: HttpResponse | None
) -> HttpResponse | None:
    """Return the response that a fault leaves of `response`, or None for no response at all.

    `response` is None if the fault comes before the operation takes effect.
    """
    if fault.kind == "reset":
        exchange.reset()
        return None
    if fault.kind == "hang":
        await exchange.disconnected()
        return None
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        return response
    if fault.kind == "error":
        return error(ERRORS[fault.error](fault.message))
    if fault.kind == "http":
        return unmodelled_error(fault.status, HTTP_ERRORS[fault.status], fault.message)
    if fault.kind == "role_validation":
        return error(ValidationError(f"CodeInterpreter role validation failed: {fault.message}"))
    if response is not None and not response.streamed:
        return response
    session_id = exchange.headers.get(SESSION_HEADER, "")
    if fault.kind == "stream_exception":
        code = fault.error[0].upper() + fault.error[1:]
        return stream_exception(session_id, ERRORS[code](fault.message))
    if response is None or fault.kind == "stream_empty":
        return stream_response(session_id, b"")
    if fault.kind == "stream_corrupt":
        return replace(response, body=event_stream.corrupt(response.body))
    half = response.body[: len(response.body) // 2]
    return replace(response, body=half, cut=fault.kind == "stream_reset")


def stream_response(session_id: str, body: bytes) -> HttpResponse:
    headers = {
        "content-type": "application/vnd.amazon.eventstream",
        SESSION_HEADER: session_id,
    }
    return HttpResponse(200, body, headers, streamed=True)
