"""The six ways a call can fail, as its answer names them."""

from __future__ import annotations

from typing import Any, ClassVar


class CallError(Exception):
    """A call that did not succeed. `answer()` is what its caller receives."""

    type: ClassVar[str]
    retryable_by_default: ClassVar[bool] = False

    def __init__(self, message: str, *, retryable: bool | None = None, **fields: Any) -> None:
        """`fields` are put into the answer beside the error, for instance what was printed."""
        super().__init__(message)
        self.message = message
        self.retryable = self.retryable_by_default if retryable is None else retryable
        self.fields = fields

    def answer(self) -> dict[str, Any]:
        error = {"type": self.type, "message": self.message, "retryable": self.retryable}
        return {"status": "error", "error": error, **self.fields}


class InvalidRequestError(CallError):
    """Refused before anything ran; the same request will always be refused."""

    type = "InvalidRequest"


class NotStartedError(CallError):
    """Nothing of the request ran, so it is safe to send it again."""

    type = "NotStarted"
    retryable_by_default = True


class CodeFailedError(CallError):
    """The code or command ran and failed."""

    type = "CodeFailed"


class OutcomeUnknownError(CallError):
    """The request was sent and no result came back: it may have run."""

    type = "OutcomeUnknown"


class NotFoundError(CallError):
    """The named file, task, session or code interpreter does not exist."""

    type = "NotFound"


class TimedOutError(CallError):
    """The time for the call was up before its result came."""

    type = "TimedOut"


class SessionGoneError(NotStartedError):
    """The service refused the call since its session has ended; nothing ran."""


def quote(value: object) -> str:
    """Return a value for a message, quoted and at most 80 characters long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
