"""The service's own API for callers, and the tools' description for models."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import CodeFailedError, NotFoundError
from ..requests.tools import converse_tool_config
from ..sandbox.failures import failure_line
from .context import ToolContext
from .files import write_blocks

if TYPE_CHECKING:
    from ..responses import Response, ResponseMembers


def invoke_code_interpreter(
    context: ToolContext,
    *,
    name: str,
    arguments: Mapping[str, Any] | None,
    timeout_seconds: int | None,
) -> Response:
    """Send an operation as it is, and return its result as it is, blobs as base64."""
    sent = {member: value for member, value in (arguments or {}).items() if value is not None}
    if "content" in sent:
        sent["content"] = write_blocks(name, sent["content"])
    result = context.run_once(name, sent, timeout_seconds)
    members: ResponseMembers = {
        "content": as_json(result.content),
        "structuredContent": as_json(result.structured),
        "isError": result.is_error,
    }
    if result.variables_lost:
        members["variables_lost"] = True
    if result.was_interrupted:
        raise context.interrupted(**members)
    if name == "startCommandExecution" and not result.failed:
        context.named_session.record_task(result.structured.get("taskId", ""))
    if name == "removeFiles" and not result.failed:
        context.named_session.forget_uploads(sent.get("paths", ()))
    if not result.failed:
        return {"status": "ok", **members}
    message = f"{name} failed: {failure_line(result.text) or 'the result is an error'}"
    if name == "getTask" and "taskStatus" not in result.structured:
        raise NotFoundError(message, **members)
    raise CodeFailedError(message, **members)


def as_json(value: Any) -> Any:
    """Return a value of the API as JSON has it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    return value


def describe_tools(_context: ToolContext) -> Response:
    return {"status": "ok", "tools": converse_tool_config()["tools"]}
