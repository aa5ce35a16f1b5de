"""The tools that run code: `execute_code` and `execute_command`."""

from __future__ import annotations

import base64

from ..errors import CodeFailedError, RequestError, TimedOutError, quote
from ..files.paths import clean
from ..files.saving import save
from ..responses import Image, Response, ResponseMembers
from ..sandbox.program_client import RESULT_MARKER, command_line
from ..sandbox.results import Result, unix_lines
from .context import ToolContext

# Of the last line of output, in a failure's message.
MAX_LINE_LENGTH = 500
# Seconds that a command may take to end after its own limit.
GRACE_SECONDS = 10
# The output of `run_command` in `sandbox/program.py` for a command whose time was up.
TIME_IS_UP = f"\n{RESULT_MARKER}null"


def execute_code(
    context: ToolContext,
    *,
    code: str,
    language: str | None,
    output_filename: str | None,
    timeout_seconds: int | None,
) -> Response:
    path = None if output_filename is None else clean(output_filename, "output_filename")
    arguments = {"code": code, "language": language or "python"}
    result = context.run_once("executeCode", arguments, timeout_seconds)
    output = output_members(result, result.stdout, result.stderr)
    if result.failed:
        raise CodeFailedError(failure_message("the code", result, result.stderr), **output)
    if path is None:
        return {"status": "ok", **output}
    return save_output_file(context, path, output)


def execute_command(context: ToolContext, *, command: str, timeout_seconds: int | None) -> Response:
    if timeout_seconds is None:
        result = context.run_once("executeCommand", {"command": command})
    else:
        # Enforce the limit inside the sandbox, so that a timeout ends the command and keeps the
        # session.
        limited = command_line("run_command", command=command, seconds=timeout_seconds)
        result = context.run_once(
            "executeCommand", {"command": limited}, timeout_seconds + GRACE_SECONDS
        )
    # For a failed command the service returns all output as stderr.
    stdout, stderr = unix_lines(result.stdout), unix_lines(result.stderr)
    printed, time_is_up, _ = stdout.partition(TIME_IS_UP)
    if timeout_seconds is not None and time_is_up:
        raise TimedOutError(
            f"the command was ended after {timeout_seconds} seconds", stdout=printed, stderr=stderr
        )
    output = output_members(result, stdout, stderr)
    if result.failed:
        raise CodeFailedError(failure_message("the command", result, stderr), **output)
    return {"status": "ok", **output}


def output_members(result: Result, stdout: str, stderr: str) -> ResponseMembers:
    """Return the response's members for code that ran."""
    output: ResponseMembers = {"stdout": stdout, "stderr": stderr}
    if result.exit_code is not None:
        output["exit_code"] = result.exit_code
    if result.execution_time is not None:
        # The API's documentation says milliseconds; every capture has seconds.
        output["execution_time"] = result.execution_time
    images = images_of(result)
    if images:
        output["images"] = images
    return output


def images_of(result: Result) -> list[Image]:
    return [
        {
            "mime_type": block.get("mimeType", "application/octet-stream"),
            "data": base64.b64encode(block["data"]).decode(),
        }
        for block in result.content
        if block.get("type") == "image" and "data" in block
    ]


def failure_message(subject: str, result: Result, stderr: str) -> str:
    """Return one line for a failure. The last line of output names a Python exception."""
    code = "" if result.exit_code is None else f" with exit code {result.exit_code}"
    lines = stderr.strip().splitlines()
    last_line = f": {lines[-1][:MAX_LINE_LENGTH]}" if lines else ""
    return f"{subject} failed{code}{last_line}"


def save_output_file(context: ToolContext, path: str, output: ResponseMembers) -> Response:
    """Save the file that the code was to write; the code's success stands in any case."""
    sandbox = context.session.sandbox()
    try:
        names, warnings = save(sandbox, context.workspace, sandbox.inventory([path]))
    except RequestError as error:
        names, warnings = [], [f"{quote(path)} was not saved: {error.message}"]
    if not names and not warnings:
        warnings = [f"{quote(path)} was not saved: it is a folder without files"]
    if warnings:
        return {"status": "partial", **output, "files_saved": names, "warnings": warnings}
    return {"status": "ok", **output, "files_saved": names}
