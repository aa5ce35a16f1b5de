"""A record of the calls received: ids and sizes, never code, data or descriptions."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from agentcore_emulator.service.owner import Owner

REMEMBERED = 10_000


@dataclass
class Call:
    """One request. `took_effect` says whether the operation was carried out, whatever was
    answered; `status` is None while there is no answer."""

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

    def describe(self, members: dict[str, Any]) -> None:
        """Note the ids in a request or an answer, and which tool was invoked."""
        self.code_interpreter_id = (
            members.get("codeInterpreterId")
            or members.get("codeInterpreterIdentifier")
            or self.code_interpreter_id
        )
        self.session_id = members.get("sessionId", self.session_id)
        if self.operation == "InvokeCodeInterpreter":
            self.tool = members.get("name", self.tool)


class Calls:
    """The last calls, oldest first."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=REMEMBERED)

    def begin(self, operation: str, request_id: str, owner: Owner, request_bytes: int) -> Call:
        call = Call(operation, request_id, owner.account, owner.region, request_bytes)
        self._calls.append(call)
        return call

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(call) for call in self._calls]
