"""Runs programs and commands, and saves the file they were asked for."""

from __future__ import annotations

import base64
from typing import Any

from ..errors import CallError, CodeFailedError, TimedOutError, quote
from ..files.paths import clean
from ..files.saving import save
from ..sandbox.program_client import RESULT_MARKER, command_line
from ..sandbox.results import Result, unix_lines
from .context import Call

# A failure's message repeats no more of what was printed last.
LONGEST_MESSAGE = 500
# How much longer than its own limit a command may take to end.
GRACE_SECONDS = 10
# `run_command` of `sandbox/program.py` prints it.
TIME_IS_UP = f"\n{RESULT_MARKER}null"


def execute_code(
    call: Call,
    *,
    code: str,
    language: str | None,
    output_filename: str | None,
    timeout_seconds: int | None,
) -> dict[str, Any]:
    output = None if output_filename is None else clean(output_filename, "output_filename")
    arguments = {"code": code, "language": language or "python"}
    result = call.run("executeCode", arguments, timeout_seconds)
    printed = fields(result, result.stdout, result.stderr)
    if result.failed:
        raise CodeFailedError(failure("the code", result, result.stderr), **printed)
    saved = {} if output is None else save_output(call, output)
    return {"status": "ok", **printed, **saved}


def execute_command(call: Call, *, command: str, timeout_seconds: int | None) -> dict[str, Any]:
    if timeout_seconds is None:
        result = call.run("executeCommand", {"command": command})
    else:
        # Ended from within, the command does not take the sandbox with it.
        limited = command_line("run_command", command=command, seconds=timeout_seconds)
        result = call.run("executeCommand", {"command": limited}, timeout_seconds + GRACE_SECONDS)
    # On failure the service gives all that was printed as stderr.
    stdout, stderr = unix_lines(result.stdout), unix_lines(result.stderr)
    printed, time_is_up, _ = stdout.partition(TIME_IS_UP)
    if timeout_seconds is not None and time_is_up:
        raise TimedOutError(
            f"the command was ended after {timeout_seconds} seconds", stdout=printed, stderr=stderr
        )
    answer = fields(result, stdout, stderr)
    if result.failed:
        raise CodeFailedError(failure("the command", result, stderr), **answer)
    return {"status": "ok", **answer}


def fields(result: Result, stdout: str, stderr: str) -> dict[str, Any]:
    """The answer's fields for something that ran."""
    answer: dict[str, Any] = {"stdout": stdout, "stderr": stderr}
    if result.exit_code is not None:
        answer["exit_code"] = result.exit_code
    if result.execution_time is not None:
        # The API's documentation says milliseconds; every capture has seconds.
        answer["execution_time"] = result.execution_time
    images = [
        {
            "mime_type": block.get("mimeType", "application/octet-stream"),
            "data": base64.b64encode(block["data"]).decode(),
        }
        for block in result.content
        if block.get("type") == "image" and "data" in block
    ]
    if images:
        answer["images"] = images
    return answer


def failure(what: str, result: Result, stderr: str) -> str:
    """One line for a failure; its last line of output names a Python exception."""
    code = "" if result.exit_code is None else f" with exit code {result.exit_code}"
    lines = stderr.strip().splitlines()
    last = f": {lines[-1][:LONGEST_MESSAGE]}" if lines else ""
    return f"{what} failed{code}{last}"


def save_output(call: Call, path: str) -> dict[str, Any]:
    """Save the file the code was to write; the code's success stands whatever becomes of it."""
    try:
        saved = save(call.sandbox, call.workspace, call.sandbox.inventory([path]))
        names, warnings = saved.names, saved.warnings
        if not names and not warnings:
            warnings = [f"{quote(path)} was not saved: it is a folder without files"]
    except CallError as failed:
        names, warnings = [], [f"{quote(path)} was not saved: {failed.message}"]
    if warnings:
        return {"status": "partial", "files_saved": names, "warnings": warnings}
    return {"files_saved": names}
