"""Faults: failures that a test asks the emulator for.

A fault names an operation (or `*`), its kind, the number of requests that it hits, and whether
it comes before or after the operation takes effect. Kinds:

    error               a modelled error: `error` is its code, `message` optional
    http                a bare HTTP status: `status` 429, 500, 503 or 504
    reset               the TCP connection is reset without a response
    hang                no response ever
    slow                the response is `seconds` (of real time) late
    stream_exception    the stream ends in an exception: `error` is its name in the stream
    stream_empty        the stream ends without an event
    stream_truncated    the stream ends cleanly in the middle of a message
    stream_reset        the TCP connection is reset in the middle of a message
    stream_corrupt      the message's checksum does not match
    create_failed       the interpreter ends CREATE_FAILED, with `reason`
    delete_failed       the interpreter ends DELETE_FAILED, with `reason`
    role_validation     CreateCodeInterpreter refuses its role, as it does for a new role

Stream faults belong to InvokeCodeInterpreter.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from agentcore_emulator.model import service_model
from agentcore_emulator.model.errors import ERRORS

Kind = Literal[
    "error",
    "http",
    "reset",
    "hang",
    "slow",
    "stream_exception",
    "stream_empty",
    "stream_truncated",
    "stream_reset",
    "stream_corrupt",
    "create_failed",
    "delete_failed",
    "role_validation",
]
KINDS: tuple[str, ...] = get_args(Kind)
WHENS = ("before", "after")
# The codes of statuses without a modelled error behind them, as a busy front end sends them.
HTTP_ERRORS = {
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
    504: "GatewayTimeoutException",
}

# These change the outcome of the operation; all others change its response.
OUTCOMES = {
    "create_failed": "CreateCodeInterpreter",
    "delete_failed": "DeleteCodeInterpreter",
}
FIELD_TYPES: dict[str, type | tuple[type, ...]] = {
    "error": str,
    "message": str,
    "reason": str,
    "status": int,
    "seconds": (int, float),
}
# The operation of each kind that belongs to a single operation.
ONLY_FOR = {
    **OUTCOMES,
    "role_validation": "CreateCodeInterpreter",
    **{kind: "InvokeCodeInterpreter" for kind in KINDS if kind.startswith("stream_")},
}
# These change the response of an operation that took effect.
AFTER_ONLY = ("slow", "stream_truncated", "stream_reset", "stream_corrupt")


@dataclass
class Fault:
    """One fault; `count` is the number of requests that it still hits, None for all."""

    operation: str
    kind: Kind
    when: Literal["before", "after"] = "before"
    count: int | None = 1
    error: str = ""
    message: str = "injected fault"
    status: int = 0
    seconds: float = 0
    reason: str = ""


class Faults:
    """The faults that are waiting, in the order of their arrival."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, document: Mapping[str, Any]) -> None:
        """Add a fault.

        :raises ValueError: if the fault makes no sense.
        """
        self._waiting.append(parse_fault(document))

    def clear(self) -> None:
        self._waiting.clear()

    def as_dicts(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._waiting]

    def take(self, operation: str) -> Fault | None:
        """Return the fault that changes the response of this request, and count it down."""
        return self._take(operation, set(KINDS) - OUTCOMES.keys())

    def create_failure(self) -> str | None:
        fault = self._take("CreateCodeInterpreter", {"create_failed"})
        return fault.reason if fault else None

    def delete_failure(self) -> str | None:
        fault = self._take("DeleteCodeInterpreter", {"delete_failed"})
        return fault.reason if fault else None

    def _take(self, operation: str, kinds: Collection[str]) -> Fault | None:
        for fault in self._waiting:
            if fault.operation in ("*", operation) and fault.kind in kinds:
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count == 0:
                        self._waiting.remove(fault)
                return fault
        return None


def parse_fault(document: Mapping[str, Any]) -> Fault:
    unknown = document.keys() - Fault.__dataclass_fields__.keys()
    if unknown:
        raise ValueError(f"{sorted(unknown)}: a fault has {list(Fault.__dataclass_fields__)}")
    for name, value in document.items():
        if not isinstance(value, FIELD_TYPES.get(name, object)):
            raise ValueError(f"{name}: {value!r} has the wrong type")
    kind = check_choice("kind", document.get("kind"), KINDS)
    only = ONLY_FOR.get(kind)
    allowed = (only,) if only else ("*", *service_model.operations())
    operation = check_choice("operation", document.get("operation", only), allowed)
    when = check_choice(
        "when", document.get("when", "after" if kind in AFTER_ONLY else "before"), WHENS
    )
    if kind in AFTER_ONLY and when == "before":
        raise ValueError(
            f"when: {kind} changes the response of an operation that took effect; use 'after'"
        )
    count = document.get("count", 1)
    if count is not None and (not isinstance(count, int) or count < 1):
        raise ValueError(f"count: {count!r} is not a positive integer or null (for every call)")
    fault = Fault(
        **{**document, "kind": kind, "operation": operation, "when": when, "count": count}
    )
    if kind == "error":
        check_choice("error", fault.error, ERRORS)
    if kind == "stream_exception":
        check_choice("error", fault.error, service_model.stream_exceptions())
    if kind == "http":
        check_choice("status", fault.status, HTTP_ERRORS)
    if kind == "slow" and not 0 < fault.seconds < math.inf:
        raise ValueError(f"seconds: {fault.seconds!r} is not a positive number")
    if kind in OUTCOMES and not fault.reason:
        raise ValueError("reason: must be given")
    return fault


def check_choice(name: str, value: Any, allowed: Collection[Any]) -> Any:
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is not one of {', '.join(map(str, allowed))}")
    return value
