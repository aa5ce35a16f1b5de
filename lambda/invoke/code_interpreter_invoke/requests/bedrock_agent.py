"""A Bedrock Agent, with this function behind an action group with function details.

Agents send an envelope in which every value is a string, and read one of the same kind. The text is
read as the model means it: `5.0` is a whole number, and empty text is an argument left out, unless
the tool requires that text, as the content of a file may be empty.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequestError, quote
from .request import MAX_MODEL_VALUE_BYTES, SESSION_NAME, Request, members, platform_request
from .tools import TOOLS, Schema

if TYPE_CHECKING:
    from ..responses import Response

# Bedrock's limit is 25 KB for the response of an action group's function (the Bedrock quotas page).
MAX_RESPONSE_BYTES = 24_000
# Longer than any argument may be, and short enough for Python to parse.
WHOLE_NUMBER = re.compile(r"(-?[0-9]{1,18})(\.0*)?")


class BedrockAgent:
    """An agent's request for one function of its action group."""

    name = "Agent"
    max_response_bytes = MAX_RESPONSE_BYTES
    max_value_bytes = MAX_MODEL_VALUE_BYTES

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event

    def request(self) -> Request:
        name = self._event.get("function")
        tool = TOOLS.get(str(name))
        values = named_values(self._event.get("parameters"))
        if name == "file_operations":
            values = with_files(values)
        schema = tool.input_schema if tool else {"properties": {}}
        arguments = {
            argument: parse_argument(argument, schema, value) for argument, value in values.items()
        }
        session = session_name(str(self._event["sessionId"]))
        return platform_request(name, arguments, session, {}, "the agent's event")

    def render(self, response: Response) -> dict[str, Any]:
        body = {"TEXT": {"body": json.dumps(response, ensure_ascii=False)}}
        function_response: dict[str, Any] = {"responseBody": body}
        if "error" in response and response["error"]["type"] == "InvalidRequest":
            function_response["responseState"] = "REPROMPT"  # the model can correct it
        attributes = ("sessionAttributes", "promptSessionAttributes")
        return {
            "messageVersion": self._event["messageVersion"],
            "response": {
                "actionGroup": self._event.get("actionGroup"),
                "function": self._event.get("function"),
                "functionResponse": function_response,
            },
            **{name: self._event[name] for name in attributes if name in self._event},
        }


def named_values(parameters: Any) -> dict[str, Any]:
    """Return an agent's parameters by their names."""
    parameters = [] if parameters is None else parameters
    if not isinstance(parameters, list) or not all("name" in members(item) for item in parameters):
        raise InvalidRequestError(
            f"parameters must be a list of objects with name and value, given {quote(parameters)}"
        )
    return {str(parameter["name"]): parameter.get("value") for parameter in parameters}


def session_name(session_id: str) -> str:
    """Return the session's name for an agent's session id.

    An id that is too long for a name, or has other characters, becomes a digest.
    """
    if SESSION_NAME.fullmatch(session_id):
        return session_id
    # JSON can also hold unpaired surrogates.
    digest = hashlib.sha256(session_id.encode(errors="surrogatepass")).hexdigest()
    return f"agent-{digest[:48]}"


def with_files(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of `file_operations`, in which the files to write are as the agent means.

    An agent also names the path of a file that `content` describes. Empty `text` and `content`
    beside a path are an empty file.
    """
    content = values.get("content")
    if values.get("operation") != "write" or not isinstance(content, str):
        return values
    parsed = json_value(content)
    files = parsed if isinstance(parsed, list) else [parsed]
    if files and all("path" in members(file) for file in files):
        return {"operation": "write", "content": files}
    paths = parse_texts(str(values.get("path") or values.get("paths") or ""))
    if len(paths) == 1 and not content.strip() and not values.get("text"):
        return {"operation": "write", "content": [{"path": paths[0], "text": content}]}
    return values


def parse_argument(name: str, tool: Schema, value: Any) -> Any:
    """Convert an agent's text to the type that the tool takes; validation judges the outcome."""
    schema = tool["properties"].get(name)
    if schema is None or not isinstance(value, str):
        return value
    is_required_text = schema["type"] == "string" and name in tool.get("required", ())
    if not value.strip() and not is_required_text:
        return None
    match schema["type"]:
        case "integer" if number := WHOLE_NUMBER.fullmatch(value.strip()):
            return int(number[1])
        case "boolean" if value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        case "array":
            return parse_array(name, schema, value.strip())
        case "object":
            return parse_json(name, value)
    return value


def parse_array(name: str, schema: Schema, text: str) -> Any:
    """Parse an array: JSON, also of its only item, or texts as agents write them."""
    if schema["items"]["type"] == "string":
        return parse_texts(text)
    value = parse_json(name, text)
    return [value] if isinstance(value, dict) else value


def parse_texts(text: str) -> list[Any]:
    """Parse an array of texts: JSON, or plain text as agents write it, `[a, b]`."""
    value = json_value(text)
    if isinstance(value, list):
        return value
    text = text.strip()
    items = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    return [item.strip().strip("\"'") for item in items.split(",") if item.strip()]


def parse_json(name: str, text: str) -> Any:
    value = json_value(text)
    if value is None:
        raise InvalidRequestError(f"{name} must be JSON text, given {quote(text)}")
    return value


def json_value(text: str) -> Any:
    """Return the value of JSON text, or None if it is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
