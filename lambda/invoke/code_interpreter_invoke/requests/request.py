"""A valid request, or the reason why an event is none."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import InvalidRequestError, quote
from .tools import EVENT_SCHEMAS, SESSION_OPERATIONS, TOOLS, Tool
from .validation import name_type, suggest, validate_object

SESSION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
TRACE = re.compile(r"[ -~]{1,1024}")
# "AWS X-Ray concepts", AWS X-Ray developer guide: a trace header whose trace is recorded.
SAMPLED = re.compile("Root=1-([0-9a-f]{8})-([0-9a-f]{24});Parent=([0-9a-f]{16});Sampled=1")
MAX_KEY_LENGTH = 256
# Lambda's limit is 6 MB (its quotas page), less the bytes that the runtime and the platforms add.
MAX_LAMBDA_RESPONSE_BYTES = 5_500_000
# A model reads the response as text, and cannot see an image in base64.
MAX_MODEL_VALUE_BYTES = 8_000

Arguments = Mapping[str, Any]


class Request(NamedTuple):
    """A valid request.

    `id` is this request's alone. `arguments` has a value for every argument of the tool, None for
    one that was left out. `trace` has the trace members of the AgentCore API.
    """

    id: str
    tool: Tool
    session: str | None
    arguments: Arguments
    idempotency_key: str | None = None
    trace: Mapping[str, str] = MappingProxyType({})


def direct_request(event: Any) -> Request:
    """Parse a direct event.

    :raises InvalidRequestError: if it is not a valid request.
    """
    if not isinstance(event, Mapping):
        raise InvalidRequestError(
            "the event must be a JSON object such as "
            f'{{"tool": "execute_code", "code": "..."}}, given {name_type(event)}'
        )
    members = dict(event)
    if members.get("tool") is None:
        raise InvalidRequestError(f"the event needs tool, one of {', '.join(TOOLS)}")
    tool = find_tool(members.pop("tool"), TOOLS)
    arguments = validate_object(EVENT_SCHEMAS[tool.name], members, tool.name)
    session = arguments.pop("session")
    trace_id, trace_parent = arguments.pop("trace_id"), arguments.pop("trace_parent")
    key = check_key(arguments.pop("idempotency_key")) if tool.runs else None
    trace = check_trace({"traceId": trace_id, "traceParent": trace_parent})
    session = check_session(tool, arguments, session, "the event's session")
    return Request(uuid.uuid4().hex, tool, session, arguments, key, trace)


def platform_request(
    name: Any,
    arguments: Any,
    session: str | None,
    trace: Mapping[str, str | None],
    session_source: str,
) -> Request:
    """Check a model's request for a tool, whose session the platform sets and the model cannot.

    :param session_source: Where the platform names the session, for the error message.
    :raises InvalidRequestError: if it is not a valid request.
    """
    tool = find_tool(name, {tool.name: tool for tool in TOOLS.values() if not tool.direct_only})
    if not isinstance(arguments, Mapping):
        raise InvalidRequestError(f"{tool.name} takes a JSON object, given {name_type(arguments)}")
    values = validate_object(tool.input_schema, arguments, tool.name)
    session = check_session(tool, values, session, session_source)
    return Request(uuid.uuid4().hex, tool, session, values, None, check_trace(trace))


def members(value: Any) -> Mapping[str, Any]:
    """Return the members of an object; any other value has none."""
    return value if isinstance(value, Mapping) else {}


def find_tool(name: Any, tools: Mapping[str, Tool]) -> Tool:
    tool = tools.get(name) if isinstance(name, str) else None
    if tool is None:
        raise InvalidRequestError(f"there is no tool {suggest(name, tools)}")
    return tool


def check_session(tool: Tool, arguments: Arguments, session: str | None, source: str) -> str | None:
    operation = arguments["name"] if tool.name == "invoke_code_interpreter" else None
    if session is None and (tool.needs_session or operation in SESSION_OPERATIONS):
        raise InvalidRequestError(
            f"{operation or tool.name} needs a session: a name of 1 to 64 letters, digits, _ and - "
            f"in {source}"
        )
    if session is not None and not SESSION_NAME.fullmatch(session):
        raise InvalidRequestError(
            f"session {quote(session)} is not allowed: 1 to 64 letters, digits, _ and -"
        )
    return session


def check_key(key: str | None) -> str | None:
    if key is not None and not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise InvalidRequestError(
            f"idempotency_key must have 1 to {MAX_KEY_LENGTH} characters, has {len(key)}"
        )
    return key


def check_trace(trace: Mapping[str, str | None]) -> dict[str, str]:
    """Return the trace members that have a value. They become HTTP headers."""
    for value in trace.values():
        if value is not None and not TRACE.fullmatch(value):
            raise InvalidRequestError(
                f"trace {quote(value)} is not allowed: up to 1024 printable ASCII characters"
            )
    return {name: value for name, value in trace.items() if value is not None}


def trace_members(header: str | None) -> dict[str, str]:
    """Return the trace members of the AgentCore API for X-Ray's header, if it is sampled.

    The whole header is the `traceId`: what follows the trace lets AWS find endless loops of calls.
    `traceParent` is the same trace in the words of W3C Trace Context.
    """
    sampled = SAMPLED.match(header) if header else None
    if header is None or sampled is None:
        return {}
    return {"traceId": header, "traceParent": f"00-{sampled[1]}{sampled[2]}-{sampled[3]}-01"}
