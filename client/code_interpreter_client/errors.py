"""The ways in which a request can fail, as exceptions.

The function's response names the first six types; the last two are failures on the way to the
function and to its files.

CodeInterpreterError
├── InvalidRequest        refused before anything ran; the message says what to change
├── NotStarted            nothing ran
├── CodeFailed            the code ran and failed
├── TimedOut              the code was still running when the time was up
├── OutcomeUnknown        the code may have run, but its result was lost
├── NotFound              the file, task, session or code interpreter does not exist
├── FunctionUnavailable   the function cannot be called; nothing ran
└── TransferFailed        a file did not reach the workspace, or did not come from it
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .results import ExceptionDetail, Result

Problem = Literal[
    "access_denied",
    "no_credentials",
    "no_function",
    "no_region",
    "no_stack",
    "old_function",
    "refused",
    "throttled",
    "unreachable",
    "updating",
]


class CodeInterpreterError(Exception):
    """A request that failed.

    `retryable` says whether sending it again is safe and may help. The client has already tried for
    as long as it may. `response` is the function's response, if there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        response: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable
        self.response: Mapping[str, Any] = response or {}


class InvalidRequest(CodeInterpreterError):
    """The request was refused before anything ran."""


class NotStarted(CodeInterpreterError):
    """Nothing ran, so that the request can be sent again."""


class NotFound(CodeInterpreterError):
    """The file, task, session or code interpreter does not exist."""


class ProgramError(CodeInterpreterError):
    """A program or command that ran and did not succeed. `result` has all that it printed."""

    def __init__(self, message: str, *, result: Result) -> None:
        super().__init__(message, response=result.response)
        self.result = result

    @property
    def exception(self) -> ExceptionDetail | None:
        """The exception that ended a Python program."""
        return self.result.exception


class CodeFailed(ProgramError):
    """The code ran and failed."""


class TimedOut(ProgramError):
    """The code was still running when its time was up."""


class OutcomeUnknown(CodeInterpreterError):
    """The code may have run, but its result was lost.

    Nothing runs a second time if the same request is made again with this `idempotency_key`, which
    the methods take as `key`: it gets the recorded result, if there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        idempotency_key: str | None,
        retryable: bool = False,
        response: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, retryable=retryable, response=response)
        self.idempotency_key = idempotency_key


class FunctionUnavailable(CodeInterpreterError):
    """The function cannot be called, and nothing ran. `problem` is the cause, for programs."""

    def __init__(self, message: str, problem: Problem, *, retryable: bool = False) -> None:
        super().__init__(message, retryable=retryable)
        self.problem: Problem = problem


class TransferFailed(CodeInterpreterError):
    """A file did not reach the workspace, or did not come from it. Nothing is half-written."""


def error_from(response: Mapping[str, Any], result: Result) -> CodeInterpreterError:
    """Return the exception for a response that has an error."""
    details = response["error"]
    kind, message, retryable = details["type"], details["message"], details["retryable"]
    match kind:
        case "CodeFailed":
            return CodeFailed(message, result=result)
        case "TimedOut":
            return TimedOut(message, result=result)
        case "OutcomeUnknown":
            return OutcomeUnknown(
                message,
                idempotency_key=result.idempotency_key,
                retryable=retryable,
                response=response,
            )
        case "InvalidRequest":
            return InvalidRequest(message, response=response)
        case "NotFound":
            return NotFound(message, response=response)
        case "NotStarted":
            return NotStarted(message, retryable=retryable, response=response)
        case _:  # of a later function, so that nobody knows whether something ran
            return OutcomeUnknown(
                f"{kind}: {message}",
                idempotency_key=result.idempotency_key,
                retryable=retryable,
                response=response,
            )
