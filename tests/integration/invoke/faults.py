"""Faults of InvokeCodeInterpreter, and the response to each."""

from __future__ import annotations

from typing import Any, NamedTuple

# Counts the runs in a file of the sandbox.
COUNT = "from pathlib import Path; Path('runs').open('a').write('x')"
COUNTED = "import os; print(os.path.getsize('runs') if os.path.exists('runs') else 0)"


class Case(NamedTuple):
    """A fault of the emulator, and how the function responds to it.

    `error` is the type of the response's error; `runs` is how often the code ran.
    """

    fault: dict[str, Any]
    error: str
    retryable: bool
    runs: int

    def __str__(self) -> str:
        return named(self.fault)

    @property
    def hangs(self) -> bool:
        return bool(self.fault["kind"] == "hang")

    @property
    def is_like_another(self) -> bool:
        """Whether the same kind of fault with another status or name is among the quick tests."""
        if self.fault["kind"] == "http":
            return self.fault["status"] in (503, 504)
        return (
            self.fault["kind"] == "stream_exception"
            and self.fault["error"] not in QUICK_STREAM_EXCEPTIONS
        )

    @property
    def seconds(self) -> float:
        """The time of the function that meets the fault."""
        return 4 if "count" in self.fault else 60

    @property
    def limit(self) -> dict[str, int]:
        return {"timeout_seconds": 2} if self.hangs else {}

    @property
    def costs_sandbox(self) -> bool:
        return self.hangs


def named(fault: dict[str, Any]) -> str:
    return "-".join(map(str, fault.values()))


def error(kind: str, when: str = "before") -> dict[str, Any]:
    return {"kind": "error", "error": kind, "when": when}


STREAM_EXCEPTIONS = (
    "accessDeniedException",
    "conflictException",
    "internalServerException",
    "resourceNotFoundException",
    "serviceQuotaExceededException",
    "throttlingException",
    "validationException",
)

# Those that could be taken for a refusal of the operation.
QUICK_STREAM_EXCEPTIONS = ("internalServerException", "throttlingException")

# The function sends an operation again that the service refuses for now.
ALWAYS = {"count": 1000}

FAULTS = [
    Case({**error("ThrottlingException"), **ALWAYS}, "NotStarted", True, 0),
    Case({**error("ServiceQuotaExceededException"), **ALWAYS}, "NotStarted", True, 0),
    Case(error("AccessDeniedException"), "NotStarted", False, 0),
    Case(error("ValidationException"), "InvalidRequest", False, 0),
    Case(error("ConflictException"), "OutcomeUnknown", False, 0),
    Case(error("InternalServerException"), "OutcomeUnknown", False, 0),
    Case(error("InternalServerException", "after"), "OutcomeUnknown", False, 1),
    Case({"kind": "http", "status": 429, **ALWAYS}, "NotStarted", True, 0),
    Case({"kind": "http", "status": 500}, "OutcomeUnknown", False, 0),
    Case({"kind": "http", "status": 503}, "OutcomeUnknown", False, 0),
    Case({"kind": "http", "status": 504}, "OutcomeUnknown", False, 0),
    Case({"kind": "http", "status": 500, "when": "after"}, "OutcomeUnknown", False, 1),
    Case({"kind": "http", "status": 503, "when": "after"}, "OutcomeUnknown", False, 1),
    Case({"kind": "http", "status": 504, "when": "after"}, "OutcomeUnknown", False, 1),
    Case({"kind": "reset"}, "OutcomeUnknown", False, 0),
    Case({"kind": "reset", "when": "after"}, "OutcomeUnknown", False, 1),
    Case({"kind": "hang"}, "TimedOut", False, 0),
    Case({"kind": "hang", "when": "after"}, "TimedOut", False, 1),
    Case({"kind": "stream_empty"}, "OutcomeUnknown", False, 0),
    Case({"kind": "stream_empty", "when": "after"}, "OutcomeUnknown", False, 1),
    Case({"kind": "stream_truncated"}, "OutcomeUnknown", False, 1),
    Case({"kind": "stream_reset"}, "OutcomeUnknown", False, 1),
    Case({"kind": "stream_corrupt"}, "OutcomeUnknown", False, 1),
    *(
        Case({"kind": "stream_exception", "error": name, "when": when}, "OutcomeUnknown", False, n)
        for when, n in (("before", 0), ("after", 1))
        for name in STREAM_EXCEPTIONS
    ),
]
