"""The exit codes, and each error as one sentence."""

from __future__ import annotations

from typing import Final

from ..errors import CodeInterpreterError, NotStarted, OutcomeUnknown, ProgramError, TimedOut
from ..results import Result

PARTIAL: Final = 1
USAGE: Final = 2
TIMED_OUT: Final = 124  # as `timeout` has it
NOT_DONE: Final = 125  # as `docker run` and `env` have it
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141


class UsageError(Exception):
    """A command line that lacks something, or says too much."""


def sentence(error: Exception) -> str:
    """Return one line that says what is wrong and what to do."""
    return " ".join(words(error).split())


def words(error: Exception) -> str:
    match error:
        case NotStarted(retryable=True):
            return f"{error.message}; nothing has run, so try again"
        case NotStarted():
            return f"{error.message}; nothing has run"
        case OutcomeUnknown() if error.idempotency_key and error.idempotency_key not in str(error):
            return f"{error.message}; ask for its result with --key {error.idempotency_key}"
        case CodeInterpreterError():
            return error.message
        case UsageError():
            return str(error)
        case OSError(strerror=str(reason), filename=str(name)):
            return f"{name}: {reason}"
        case _:
            return f"{type(error).__name__}: {error}"


def exit_code_of(result: Result, failure: ProgramError | None) -> int:
    """Return the exit code of a program."""
    if failure is None:
        return 0
    if isinstance(failure, TimedOut):
        return TIMED_OUT
    # An exit code has eight bits, and a failure must not become a success.
    return (result.exit_code or 0) & 0xFF or 1
