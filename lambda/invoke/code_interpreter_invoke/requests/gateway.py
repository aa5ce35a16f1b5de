"""AgentCore Gateway, with this function as a Lambda target.

A tool's arguments are the event; the client context has everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .request import (
    MAX_LAMBDA_RESPONSE_BYTES,
    MAX_MODEL_VALUE_BYTES,
    Request,
    members,
    platform_request,
)

if TYPE_CHECKING:
    from ..responses import Response

# Members of the client context, in lower case.
TOOL_NAME = "bedrockagentcoretoolname"
HEADERS = "bedrockagentcorepropagatedheaders"
# Ends the target's name, which precedes the tool's. A target's name has no underscore.
TARGET_END = "___"
# A Gateway target has to propagate this header for its requests to share a session.
SESSION_HEADER = "x-code-interpreter-session"


class Gateway:
    """A Gateway's request for one tool."""

    name = "Gateway"
    max_response_bytes = MAX_LAMBDA_RESPONSE_BYTES
    max_value_bytes = MAX_MODEL_VALUE_BYTES

    def __init__(self, event: Any, custom: Mapping[str, Any]) -> None:
        """Take the event and the client context's `custom`, its names in lower case."""
        self._event = event
        self._custom = custom

    def request(self) -> Request:
        name = str(self._custom[TOOL_NAME])
        _, has_target, tool = name.partition(TARGET_END)
        propagated = members(self._custom.get(HEADERS))
        headers = {header.lower(): str(value) for header, value in propagated.items()}
        trace = {
            "traceId": headers.get("x-amzn-trace-id"),
            "traceParent": headers.get("traceparent"),
        }
        return platform_request(
            tool if has_target else name,
            self._event,
            headers.get(SESSION_HEADER),
            trace,
            f"the header {SESSION_HEADER}, which the Gateway's target must propagate",
        )

    def render(self, response: Response) -> dict[str, Any]:
        return dict(response)
