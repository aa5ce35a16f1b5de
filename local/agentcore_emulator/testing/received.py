"""The requests that the emulator received: ids and sizes, never code, data or descriptions."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

REMEMBERED = 10_000


@dataclass
class ReceivedRequest:
    """One request.

    `took_effect` says whether the operation was carried out, whatever the response was; `status`
    is None until there is a response.
    """

    operation: str
    request_id: str
    account: str
    region: str
    request_bytes: int
    tool: str | None = None
    code_interpreter_id: str | None = None
    session_id: str | None = None
    took_effect: bool = False
    status: int | None = None
    response_bytes: int = 0

    def note(self, members: dict[str, Any]) -> None:
        """Note the ids in a request or a response, and the tool of an Invoke."""
        self.code_interpreter_id = (
            members.get("codeInterpreterId")
            or members.get("codeInterpreterIdentifier")
            or self.code_interpreter_id
        )
        self.session_id = members.get("sessionId", self.session_id)
        if self.operation == "InvokeCodeInterpreter":
            self.tool = members.get("name", self.tool)


class ReceivedRequests:
    """The last requests, oldest first."""

    def __init__(self) -> None:
        self._requests: deque[ReceivedRequest] = deque(maxlen=REMEMBERED)

    def add(self, request: ReceivedRequest) -> None:
        self._requests.append(request)

    def clear(self) -> None:
        self._requests.clear()

    def as_dicts(self) -> list[dict[str, Any]]:
        return [asdict(request) for request in self._requests]
