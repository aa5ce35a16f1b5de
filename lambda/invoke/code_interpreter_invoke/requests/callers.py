"""Who calls, and how each wants to be answered.

Directly (also from Step Functions) the event is the request. AgentCore Gateway sends a tool's
arguments as the event and everything else in the client context. Bedrock Agents send an envelope
in which every value is a string, and want one back.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Protocol

from ..errors import InvalidRequestError, quote
from .request import SESSION_NAME, Request, direct_request, platform_request
from .tools import TOOLS

# Lambda's limit is 6 MB (its quotas page), less what the runtime and the platforms add.
ANSWER_BYTES = 5_500_000
# Bedrock Agents take 25 KB from an action group's function (the Bedrock quotas page).
AGENT_ANSWER_BYTES = 24_000

# What the Gateway puts before a tool's name: the target's, which has no underscore.
TARGET_END = "___"
# The header a Gateway target has to propagate for its calls to share sessions.
SESSION_HEADER = "x-code-interpreter-session"
# As text; longer than any argument may be, and short enough for Python to read.
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


class Caller(Protocol):
    """One kind of caller, with its event at hand."""

    answer_bytes: int

    def request(self) -> Request:
        """What is asked for, or InvalidRequest."""

    def envelope(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer as this caller reads it."""


class Direct:
    """A Lambda invocation, synchronous or not, or a Step Functions task."""

    answer_bytes = ANSWER_BYTES

    def __init__(self, event: Any) -> None:
        self._event = event

    def request(self) -> Request:
        return direct_request(self._event)

    def envelope(self, answer: dict[str, Any]) -> dict[str, Any]:
        return answer


class Gateway:
    """An AgentCore Gateway with this function as a Lambda target."""

    answer_bytes = ANSWER_BYTES

    def __init__(self, event: Any, custom: Mapping[str, Any]) -> None:
        self._event = event
        self._custom = custom

    def request(self) -> Request:
        name = str(self._custom["bedrockagentcoretoolname"])
        _, prefixed, tool = name.partition(TARGET_END)
        given = self._custom.get("bedrockagentcorepropagatedheaders")
        headers = {header.lower(): str(value) for header, value in members(given).items()}
        trace = {
            "traceId": headers.get("x-amzn-trace-id"),
            "traceParent": headers.get("traceparent"),
        }
        return platform_request(
            tool if prefixed else name,
            self._event,
            headers.get(SESSION_HEADER),
            trace,
            f"the header {SESSION_HEADER}, which the Gateway's target must propagate",
        )

    def envelope(self, answer: dict[str, Any]) -> dict[str, Any]:
        return answer


class Agent:
    """A Bedrock Agent with this function behind an action group with function details."""

    answer_bytes = AGENT_ANSWER_BYTES

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event

    def request(self) -> Request:
        name = self._event.get("function")
        tool = TOOLS.get(str(name))
        expected = tool.input_schema["properties"] if tool else {}
        arguments = {
            name: typed(name, expected.get(name), value)
            for name, value in named_values(self._event.get("parameters")).items()
        }
        session = session_name(str(self._event["sessionId"]))
        return platform_request(name, arguments, session, {}, "the agent's event")

    def envelope(self, answer: dict[str, Any]) -> dict[str, Any]:
        function: dict[str, Any] = {
            "responseBody": {"TEXT": {"body": json.dumps(answer, ensure_ascii=False)}}
        }
        if answer.get("error", {}).get("type") == "InvalidRequest":
            function["responseState"] = "REPROMPT"  # the model can put it right
        response = {
            "actionGroup": self._event.get("actionGroup"),
            "function": self._event.get("function"),
            "functionResponse": function,
        }
        kept = ("sessionAttributes", "promptSessionAttributes")
        return {
            "messageVersion": self._event["messageVersion"],
            "response": response,
            **{name: self._event[name] for name in kept if name in self._event},
        }


def caller_of(event: Any, context: Any) -> Caller:
    """Tell the callers apart by what each of them alone sends."""
    custom = getattr(getattr(context, "client_context", None), "custom", None)
    # Early versions of the Gateway spelled these names in lower case.
    named = {name.lower(): value for name, value in members(custom).items()}
    if "bedrockagentcoretoolname" in named:
        return Gateway(event, named)
    if isinstance(event, Mapping) and {"messageVersion", "actionGroup", "sessionId"} <= set(event):
        return Agent(event)
    return Direct(event)


def members(value: Any) -> Mapping[str, Any]:
    """The members of an object; of anything else there are none."""
    return value if isinstance(value, Mapping) else {}


def named_values(parameters: Any) -> dict[str, Any]:
    """An agent's parameters by their names."""
    given = [] if parameters is None else parameters
    if not isinstance(given, list) or not all("name" in members(one) for one in given):
        raise InvalidRequestError(
            f"parameters must be a list of objects with name and value, given {quote(given)}"
        )
    return {str(one["name"]): one.get("value") for one in given}


def session_name(session_id: str) -> str:
    """A session's name for an agent's session id, which may have other characters and be longer."""
    if SESSION_NAME.fullmatch(session_id):
        return session_id
    # JSON can spell halves of surrogate pairs, too.
    digest = hashlib.sha256(session_id.encode(errors="surrogatepass")).hexdigest()
    return f"agent-{digest[:48]}"


def typed(name: str, schema: Mapping[str, Any] | None, value: Any) -> Any:
    """A value from an agent, which sends all of them as text."""
    if schema is None or not isinstance(value, str):
        return value
    match schema["type"]:
        case "integer" if WHOLE_NUMBER.fullmatch(value.strip()):
            return int(value)
        case "boolean" if value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        case "array":
            return listed(name, schema, value.strip())
        case "object":
            return parsed(name, value)
    return value


def listed(name: str, schema: Mapping[str, Any], text: str) -> Any:
    """An array: as JSON, or as agents write arrays of plain text, `[a, b]`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if schema["items"]["type"] != "string":
            raise not_json(name, text) from None
    inside = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    return [item.strip().strip("\"'") for item in inside.split(",") if item.strip()]


def parsed(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise not_json(name, text) from None


def not_json(name: str, text: str) -> InvalidRequestError:
    return InvalidRequestError(f"{name} must be JSON text, given {quote(text)}")
