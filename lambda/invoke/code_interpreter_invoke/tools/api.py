"""The service's own API for callers: its nine operations, and sessions by their logical names."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from ..errors import CodeFailedError, InvalidRequestError, NotFoundError
from ..sessions.store import Record
from .context import Call
from .files import file_blocks

# The largest page of ListCodeInterpreterSessions in the API model.
SESSION_PAGE = 100


def invoke_code_interpreter(
    call: Call, *, name: str, arguments: dict[str, Any] | None, timeout_seconds: int | None
) -> dict[str, Any]:
    """Send an operation as it is, and answer with its result as it is, blobs as base64."""
    sent = {member: value for member, value in (arguments or {}).items() if value is not None}
    if "content" in sent:
        sent["content"] = file_blocks(name, sent["content"])
    result = call.run(name, sent, timeout_seconds)
    answer = {
        "content": as_json(result.content),
        "structuredContent": result.structured,
        "isError": result.is_error,
    }
    if not result.failed:
        return {"status": "ok", **answer}
    message = f"{name} failed: {result.text or 'the result is an error'}"
    if name == "getTask" and "taskStatus" not in result.structured:
        raise NotFoundError(message, **answer)
    raise CodeFailedError(message, **answer)


def as_json(value: Any) -> Any:
    """A value of the API as JSON has it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    return value


def start_session(
    call: Call,
    *,
    session_timeout_seconds: int | None,
    certificates: list[dict[str, Any]] | None,
    filesystems: list[dict[str, Any]] | None,
) -> dict[str, Any]:
    for filesystem in filesystems or []:
        if len([kind for kind in filesystem.values() if kind is not None]) != 1:
            raise InvalidRequestError(
                "start_session: a file system has either s3FilesConfiguration or efsConfiguration"
            )
    wanted = {
        "sessionTimeoutSeconds": session_timeout_seconds,
        "certificates": certificates,
        "filesystemConfigurations": filesystems,
    }
    record = call.session.start(given(wanted))
    return {"status": "ok", **described(record), "session_status": "READY"}


def given(value: Any) -> Any:
    """A value without the members that were not given."""
    if isinstance(value, list):
        return [given(item) for item in value]
    if isinstance(value, dict):
        return {name: given(item) for name, item in value.items() if item is not None}
    return value


def described(record: Record) -> dict[str, Any]:
    expires_at = datetime.fromtimestamp(record.expires_at, UTC)
    return {"session_id": record.session_id, "expires_at": expires_at.isoformat()}


def get_session(call: Call) -> dict[str, Any]:
    record = call.session.current()
    if not record.session_id:
        raise NotFoundError(f"session {call.name} has no sandbox")
    found = call.interpreter.get_session(record.session_id)
    return {
        "status": "ok",
        **described(record),
        "session_status": found.get("status", "UNKNOWN"),
        "created_at": found["createdAt"].isoformat(),
    }


def list_sessions(call: Call, *, status: str | None, next_token: str | None) -> dict[str, Any]:
    wanted = {
        "status": status,
        "nextToken": next_token,
        "maxResults": SESSION_PAGE,
    }
    found = call.interpreter.list_sessions(**given(wanted))
    sessions = [
        {
            "session": item.get("name"),
            "session_id": item["sessionId"],
            "session_status": item["status"],
            "created_at": item["createdAt"].isoformat(),
        }
        for item in found["items"]
    ]
    answer: dict[str, Any] = {"status": "ok", "sessions": sessions, "count": len(sessions)}
    if found.get("nextToken"):
        answer |= {"truncated": True, "next_token": found["nextToken"]}
    return answer


def stop_session(call: Call) -> dict[str, Any]:
    record = call.session.current()
    if not record.session_id:
        return {"status": "ok", "stopped": False}
    call.session.discard(record.session_id, replaces=False)
    return {"status": "ok", "stopped": True, "session_id": record.session_id}
