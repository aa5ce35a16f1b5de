"""The tools for the session's sandbox itself, and for a program that runs in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequestError, NotFoundError, OutcomeUnknownError, TimedOutError
from ..sandbox.command_lines import check_command_line, check_environment, with_environment
from ..sandbox.sandbox import OutputPart
from ..sessions.named import iso_time
from ..sessions.store import SessionRecord
from .context import ToolContext

if TYPE_CHECKING:
    from ..responses import Response, ResponseMembers, SessionSummary

MAX_LISTED = 1_000


def start_session(
    context: ToolContext,
    *,
    session_timeout_seconds: int | None,
    certificates: list[Mapping[str, Any]] | None,
    filesystems: list[Mapping[str, Any]] | None,
    setup: str | None,
    env: Mapping[str, str] | None,
) -> Response:
    check_environment("start_session", env or {})
    check_command_line(
        with_environment(setup or "", None, env or {}),
        "shorten setup or env, whose variables are a part of each command",
    )
    for filesystem in filesystems or []:
        if len([kind for kind in filesystem.values() if kind is not None]) != 1:
            raise InvalidRequestError(
                "start_session: a file system has either s3FilesConfiguration or efsConfiguration"
            )
    options = {
        "sessionTimeoutSeconds": session_timeout_seconds,
        "certificates": certificates,
        "filesystemConfigurations": filesystems,
    }
    record = context.named_session.start(drop_none(options), setup, env)
    return {"status": "ok", **session_members(record), "session_status": "READY"}


def get_session(context: ToolContext) -> Response:
    record = context.named_session.record()
    if not record.session_id:
        raise NotFoundError(f"session {context.session.name} has no sandbox")
    described = context.code_interpreter.get_session(record.session_id)
    response: Response = {
        "status": "ok",
        **session_members(record),
        "session_status": described.get("status", "UNKNOWN"),
        "created_at": described["createdAt"].isoformat(),
    }
    if response["session_status"] == "TERMINATED":
        del response["expires_at"]  # it has ended before
    return response


def list_sessions(context: ToolContext, *, status: str | None, next_token: str | None) -> Response:
    if next_token is not None and not next_token.isalnum():
        raise InvalidRequestError(
            "list_sessions: next_token must be the next_token of the previous response"
        )
    found = {
        item["sessionId"]: (name, item)
        for name, item in context.code_interpreter.own_sessions(status)
    }
    # The service says nothing about its order. Its ids begin with the time of the start.
    following = [session_id for session_id in found if not next_token or session_id < next_token]
    ids = sorted(following, reverse=True)
    sessions: list[SessionSummary] = [
        {
            "session": context.session_name(session_id, name),
            "session_id": session_id,
            "session_status": item["status"],
            "created_at": item["createdAt"].isoformat(),
        }
        for session_id in ids[:MAX_LISTED]
        for name, item in [found[session_id]]
    ]
    response: Response = {"status": "ok", "sessions": sessions, "count": len(sessions)}
    if len(ids) > MAX_LISTED:
        response["truncated"] = True
        response["next_token"] = sessions[-1]["session_id"]
    return response


def stop_session(context: ToolContext) -> Response:
    session_id = context.named_session.stop()
    if not session_id:
        return {"status": "ok", "stopped": False}
    return {"status": "ok", "stopped": True, "session_id": session_id}


def session_members(record: SessionRecord) -> ResponseMembers:
    return {"session_id": record.session_id, "expires_at": iso_time(record.expires_at)}


def drop_none(value: Any) -> Any:
    """Return a value without the members that are None."""
    if isinstance(value, list):
        return [drop_none(item) for item in value]
    if isinstance(value, Mapping):
        return {name: drop_none(item) for name, item in value.items() if item is not None}
    return value


def interrupt(context: ToolContext, *, idempotency_key: str) -> Response:
    program = context.find_program(idempotency_key)
    sandbox = context.named_session.running_sandbox()
    if program is None or not program.is_running or sandbox is None:
        return {"status": "ok", "interrupted": False}
    if sandbox.observer is None:
        raise InvalidRequestError(
            "this session's programs cannot be interrupted; stop_session ends them"
        )
    try:
        state = sandbox.end_program(sandbox.observer, program.tag)
    except OutcomeUnknownError as error:
        raise OutcomeUnknownError(error.message, retryable=True) from None
    if state == "running":
        raise TimedOutError(
            "the program ignores the interrupt and still runs; stop_session ends it"
        )
    return {"status": "ok", "interrupted": state in ("interrupted", "waiting", "idle")}


def read_output(context: ToolContext, *, idempotency_key: str, offset: int | None) -> Response:
    # Whether the program runs is read first: of one that has ended, all output is there.
    program = context.find_program(idempotency_key)
    sandbox = context.named_session.running_sandbox()
    part = OutputPart([], offset or 0)
    if program is not None and sandbox is not None and sandbox.observer is not None:
        part = sandbox.read_output(sandbox.observer, program.tag, offset or 0)
    return {
        "status": "ok",
        "output": part.output,
        "next_offset": part.next_offset,
        "running": program is not None and program.is_running,
    }
