"""The kinds of caller, told apart by what each of them alone sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from .direct import Direct
from .request import Request

if TYPE_CHECKING:
    from ..responses import Response


class Caller(Protocol):
    """One kind of caller, with its event at hand.

    `name` is the kind's name in the log, `max_response_bytes` the largest response that it takes,
    and `max_value_bytes` the largest value of a rich result.
    """

    name: str
    max_response_bytes: int
    max_value_bytes: int

    def request(self) -> Request:
        """Parse the event.

        :raises InvalidRequestError: if it is not a valid request.
        """

    def render(self, response: Response) -> dict[str, Any]:
        """Return the response as this caller reads it."""


def caller_of(event: Any, context: Any) -> Caller:
    """Return the caller that sent an event.

    An agent's modules are imported when one calls.
    """
    custom = getattr(getattr(context, "client_context", None), "custom", None)
    if custom and isinstance(custom, Mapping):
        from .gateway import TOOL_NAME, Gateway

        # Early versions of the Gateway spelled these names in lower case.
        custom = {name.lower(): value for name, value in custom.items()}
        if TOOL_NAME in custom:
            return Gateway(event, custom)
    if isinstance(event, Mapping) and {"messageVersion", "actionGroup", "sessionId"} <= set(event):
        from .bedrock_agent import BedrockAgent

        return BedrockAgent(event)
    return Direct(event)
