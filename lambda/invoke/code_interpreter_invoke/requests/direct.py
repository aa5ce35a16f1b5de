"""A direct caller: any Lambda client, synchronous or not, or a Step Functions task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .request import MAX_LAMBDA_RESPONSE_BYTES, Request, direct_request

if TYPE_CHECKING:
    from ..responses import Response


class Direct:
    """A caller whose event is the request, and who reads the response as it is."""

    name = "Direct"
    max_response_bytes = MAX_LAMBDA_RESPONSE_BYTES
    max_value_bytes = MAX_LAMBDA_RESPONSE_BYTES

    def __init__(self, event: Any) -> None:
        self._event = event

    def request(self) -> Request:
        return direct_request(self._event)

    def render(self, response: Response) -> dict[str, Any]:
        return dict(response)
