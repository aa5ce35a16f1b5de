"""Each error is one sentence with what to do, and each result has its exit code."""

from __future__ import annotations

from typing import Any

import pytest

from code_interpreter_client.cli.failures import UsageError, exit_code_of, sentence
from code_interpreter_client.errors import (
    CodeFailed,
    CodeInterpreterError,
    FunctionUnavailable,
    InvalidRequest,
    NotFound,
    NotStarted,
    OutcomeUnknown,
    ProgramError,
    TimedOut,
    TransferFailed,
    error_from,
)
from code_interpreter_client.results import Result


def result_of(error: str | None, **members: Any) -> Result:
    response: dict[str, Any] = {"status": "ok", **members}
    if error is not None:
        response["error"] = {"type": error, "message": "it failed", "retryable": False}
    return Result.from_response(response, "key", lambda path: b"")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InvalidRequest("code is missing"), "code is missing"),
        (NotStarted("busy", retryable=True), "busy; nothing has run, so try again"),
        (NotStarted("no interpreter"), "no interpreter; nothing has run"),
        (OutcomeUnknown("lost", idempotency_key="k"), "lost; ask for its result with --key k"),
        (OutcomeUnknown("lost; the key k", idempotency_key="k"), "lost; the key k"),
        (OutcomeUnknown("lost", idempotency_key=None), "lost"),
        (NotFound("no a.txt"), "no a.txt"),
        (FunctionUnavailable("throttled", "throttled"), "throttled"),
        (TransferFailed("a.txt was refused"), "a.txt was refused"),
        (CodeFailed("it failed", result=result_of("CodeFailed")), "it failed"),
        (CodeInterpreterError("two\n  lines"), "two lines"),
        (UsageError("give a name"), "give a name"),
        (FileNotFoundError(2, "No such file", "a.py"), "a.py: No such file"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero"),
    ],
)
def test_an_error_is_a_sentence(error: Exception, expected: str) -> None:
    assert sentence(error) == expected


@pytest.mark.parametrize(
    ("error", "members", "expected"),
    [
        (None, {"exit_code": 0}, 0),
        (None, {}, 0),
        ("CodeFailed", {"exit_code": 3}, 3),
        ("CodeFailed", {"exit_code": 255}, 255),
        ("CodeFailed", {"exit_code": 256}, 1),
        ("CodeFailed", {"exit_code": -1}, 255),
        ("CodeFailed", {}, 1),
        ("TimedOut", {"exit_code": 1}, 124),
    ],
)
def test_a_result_has_an_exit_code(
    error: str | None, members: dict[str, Any], expected: int
) -> None:
    result = result_of(error, **members)
    failure = None if error is None else error_from(result.response, result)
    assert failure is None or isinstance(failure, (ProgramError, TimedOut))
    assert exit_code_of(result, failure) == expected
