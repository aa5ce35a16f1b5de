"""From what a caller sent to a valid request, or to the reason why it is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import InvalidRequestError, quote
from .tools import REQUEST_PROPERTIES, SESSION_OPERATIONS, TOOLS, Schema, Tool
from .validation import kind, one_of, validate_object

SESSION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
TRACE = re.compile(r"[ -~]{1,1024}")


class Request(NamedTuple):
    """A valid call. `arguments` has a value for every argument of the tool, None if not given."""

    tool: Tool
    session: str | None
    arguments: dict[str, Any]
    idempotency_key: str | None = None
    trace: Mapping[str, str] = MappingProxyType({})


def direct_request(event: Any) -> Request:
    """A valid request from a direct event, or InvalidRequest: what was given, what is allowed."""
    if not isinstance(event, Mapping):
        raise InvalidRequestError(
            "the event must be a JSON object such as "
            f'{{"tool": "execute_code", "code": "..."}}, given {kind(event)}'
        )
    given = dict(event)
    if given.get("tool") is None:
        raise InvalidRequestError(f"the event needs tool, one of {', '.join(TOOLS)}")
    tool = find_tool(given.pop("tool"), TOOLS)
    checked = validate_object(event_schema(tool), given, tool.name)
    session, trace_id, trace_parent = (
        checked.pop(name) for name in ("session", "trace_id", "trace_parent")
    )
    key = checked.pop("idempotency_key", None)
    if key is not None and not 1 <= len(key) <= 256:
        raise InvalidRequestError(f"idempotency_key must have 1 to 256 characters, has {len(key)}")
    trace = check_trace({"traceId": trace_id, "traceParent": trace_parent})
    session = check_session(tool, checked, session, "the event's session")
    return Request(tool, session, checked, key, trace)


def platform_request(
    name: Any,
    arguments: Any,
    session: str | None,
    trace: Mapping[str, str | None],
    where_session_is: str,
) -> Request:
    """A valid request from a model through a platform, which alone says the session."""
    allowed = {tool.name: tool for tool in TOOLS.values() if not tool.direct_only}
    tool = find_tool(name, allowed)
    if not isinstance(arguments, Mapping):
        raise InvalidRequestError(f"{tool.name} takes a JSON object, given {kind(arguments)}")
    checked = validate_object(tool.input_schema, arguments, tool.name)
    session = check_session(tool, checked, session, where_session_is)
    return Request(tool, session, checked, None, check_trace(trace))


def event_schema(tool: Tool) -> Schema:
    """Return the schema of a direct event for a tool: its arguments and the request's own members.

    Only a tool that may change something takes an idempotency key.
    """
    members = {
        name: schema
        for name, schema in REQUEST_PROPERTIES.items()
        if tool.runs or name != "idempotency_key"
    }
    properties = {**tool.input_schema["properties"], **members}
    return {**tool.input_schema, "properties": properties}


def find_tool(name: Any, tools: Mapping[str, Tool]) -> Tool:
    tool = tools.get(name) if isinstance(name, str) else None
    if tool is None:
        raise InvalidRequestError(f"there is no tool {one_of(name, tools)}")
    return tool


def check_session(
    tool: Tool, arguments: Mapping[str, Any], session: str | None, where: str
) -> str | None:
    operation = arguments["name"] if tool.name == "invoke_code_interpreter" else None
    if session is None and (tool.needs_session or operation in SESSION_OPERATIONS):
        raise InvalidRequestError(
            f"{operation or tool.name} needs a session: a name of 1 to 64 letters, digits, _ and - "
            f"in {where}"
        )
    if session is not None and not SESSION_NAME.fullmatch(session):
        raise InvalidRequestError(
            f"session {quote(session)} is not allowed: 1 to 64 letters, digits, _ and -"
        )
    return session


def check_trace(trace: Mapping[str, str | None]) -> dict[str, str]:
    """The API's trace members that were given. They become HTTP headers."""
    for value in trace.values():
        if value is not None and not TRACE.fullmatch(value):
            raise InvalidRequestError(
                f"trace {quote(value)} is not allowed: up to 1024 printable ASCII characters"
            )
    return {name: value for name, value in trace.items() if value is not None}
