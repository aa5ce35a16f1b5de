"""Runs a program of the table in a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .program import Program, Response

# Members that say where and for how long a program ran.
ELSEWHERE = ("session", "session_id", "expires_at", "execution_time")


def run(program: Program, call: Callable[..., Response]) -> Response:
    """Run a program, and return the part of the response that the program determines.

    :param call: Calls a tool with arguments, in one session for all programs.
    """

    def execute(code: str, language: str = "python") -> dict[str, Any]:
        return call(tool="execute_code", code=code, language=language)

    if program.before:
        execute(program.before)
    response = execute(program.code, program.language)
    if program.after:
        execute(program.after)
    return {name: value for name, value in response.items() if name not in ELSEWHERE}
