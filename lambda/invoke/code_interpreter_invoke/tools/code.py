"""The tools that run code: `execute_code` and `execute_command`."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Mapping

from ..errors import CodeFailedError, InvalidRequestError, RequestError, TimedOutError, quote
from ..files.paths import clean
from ..files.saving import save
from ..responses import Image, Response, ResponseMembers
from ..sandbox.failures import failure_line
from ..sandbox.program_client import command_line, new_marker
from ..sandbox.results import Result
from ..sandbox.terminal import overwrite_lines, strip_control_sequences
from .context import ToolContext

# Seconds that a command may take to end after its own limit.
GRACE_SECONDS = 10
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


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
    # IPython and Deno colour their tracebacks.
    stderr = strip_control_sequences(result.stderr)
    output = output_members(result, overwrite_lines(result.stdout), overwrite_lines(stderr))
    if path is not None:
        names, warnings = save_output_file(context, path)
        output["files_saved"] = names
        # A program that failed need not have written its file.
        if warnings and not result.failed:
            return {"status": "partial", **output, "warnings": warnings}
    if result.failed:
        raise CodeFailedError(failure_message("the code", result, stderr), **output)
    return {"status": "ok", **output}


def execute_command(
    context: ToolContext,
    *,
    command: str,
    cwd: str | None,
    env: Mapping[str, str] | None,
    timeout_seconds: int | None,
) -> Response:
    command = with_environment(command, cwd, env or {})
    marker = new_marker()
    if timeout_seconds is None:
        result = context.run_once("executeCommand", {"command": command})
    else:
        # Enforce the limit inside the sandbox, so that a timeout ends the command and keeps the
        # session.
        limited = command_line(marker, "run_command", command=command, seconds=timeout_seconds)
        result = context.run_once(
            "executeCommand", {"command": limited}, timeout_seconds + GRACE_SECONDS
        )
    # For a failed command the service returns all output as stderr.
    stdout, stderr = overwrite_lines(result.stdout), overwrite_lines(result.stderr)
    # The output of `run_command` in `sandbox/program.py` for a command whose time was up.
    printed, time_is_up, _ = stdout.partition(f"\n{marker}null")
    if time_is_up:
        raise TimedOutError(
            f"the command was ended after {timeout_seconds} seconds", stdout=printed, stderr=stderr
        )
    output = output_members(result, stdout, stderr)
    if result.failed:
        raise CodeFailedError(failure_message("the command", result, stderr), **output)
    return {"status": "ok", **output}


def with_environment(command: str, cwd: str | None, env: Mapping[str, str]) -> str:
    """Return a command that runs in a folder and with environment variables."""
    for name in env:
        if not VARIABLE_NAME.fullmatch(name):
            raise InvalidRequestError(
                f"execute_command: env has the name {quote(name)}; a name has letters, digits and "
                "_, and begins with no digit"
            )
    folder = f"cd -- {shlex.quote(cwd)} || exit; " if cwd else ""
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in env.items())
    return f"{folder}export {variables}; {command}" if variables else f"{folder}{command}"


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
    """Return one line that names the failure."""
    code = "" if result.exit_code is None else f" with exit code {result.exit_code}"
    line = failure_line(stderr)
    return f"{subject} failed{code}: {line}" if line else f"{subject} failed{code}"


def save_output_file(context: ToolContext, path: str) -> tuple[list[str], list[str]]:
    """Save the file that the code was to write; return the names of saved files, and warnings.

    The outcome of the code stands in any case.
    """
    sandbox = context.session.sandbox()
    try:
        names, warnings = save(sandbox, context.workspace, sandbox.inventory([path]))
    except RequestError as error:
        names, warnings = [], [f"{quote(path)} was not saved: {error.message}"]
    if not names and not warnings:
        warnings = [f"{quote(path)} was not saved: it is a folder without files"]
    return names, warnings
