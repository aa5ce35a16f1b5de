"""The tools that run code: `execute_code` and `execute_command`."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import CodeFailedError, RequestError, TimedOutError, quote
from ..files.paths import clean
from ..files.saving import save
from ..sandbox.command_lines import check_environment, with_environment
from ..sandbox.observer import Report
from ..sandbox.program_client import command_line, new_marker
from ..sandbox.results import Result
from ..sandbox.terminal import overwrite_lines, strip_control_sequences
from .context import ToolContext

if TYPE_CHECKING:
    from ..responses import Image, MimeBundle, Response, ResponseMembers

# Seconds that a command may take to end after its own limit.
GRACE_SECONDS = 10


def execute_code(
    context: ToolContext,
    *,
    code: str,
    language: str | None,
    output_filename: str | None,
    save_figures: bool | None,
    timeout_seconds: int | None,
) -> Response:
    path = None if output_filename is None else clean(output_filename, "output_filename")
    arguments = {"code": code, "language": language or "python"}
    result = context.run_code(arguments, timeout_seconds)
    # IPython and Deno colour their tracebacks.
    result = with_exit_code(result._replace(stderr=strip_control_sequences(result.stderr)))
    stderr = overwrite_lines(result.stderr)
    output: ResponseMembers = {
        **output_members(result, overwrite_lines(result.stdout), stderr),
        **observed_members(result),
    }
    context.session.forget_uploads(output.get("files_changed", {}).get("removed", []))
    saved, warnings = save_results(context, output.get("results", []), save_figures or False)
    if path is not None:
        names, file_warnings = save_output_file(context, path)
        saved += names
        # A program that failed need not have written its file.
        warnings += [] if result.failed else file_warnings
    if saved or path is not None:
        output["files_saved"] = saved
    if warnings or "warnings" in output:
        output["warnings"] = [*output.get("warnings", ()), *warnings]
    exception = result.report.exception if result.report else None
    if result.was_interrupted:
        raise context.interrupted(exception=exception, **output)
    if result.report is not None and result.report.interrupted:
        message = "the code was interrupted by another request; its variables and files are kept"
        raise CodeFailedError(message, exception=exception, **output)
    if result.failed:
        message = failure_message("the code", result, stderr)
        raise CodeFailedError(message, exception=exception, **output)
    return {"status": "partial" if warnings else "ok", **output}


def with_exit_code(result: Result) -> Result:
    """Return the result with the exit code of a program that ended with `SystemExit`."""
    report = result.report
    if not result.failed or (report is not None and report.exit_code is None):
        return result
    from ..sandbox.system_exit import system_exit  # few programs end with an exception

    shown = system_exit(result.stderr, None if report is None else report.exit_code)
    if shown is None:
        return result
    return result._replace(stderr=shown.stderr, exit_code=shown.code, is_error=shown.code != 0)


def observed_members(result: Result) -> ResponseMembers:
    """Return the response's members that the observer in the kernel knows."""
    report = result.report or Report()
    members: ResponseMembers = {}
    if result.variables_lost:
        members["variables_lost"] = True
    if report.results:
        members["results"] = list(report.results)
    if report.last_expression is not None:
        members["last_expression"] = report.last_expression
    if report.files_changed:
        members["files_changed"] = report.files_changed
    warnings = []
    if report.left_out:
        members["truncated"] = True
        warnings.append(
            f"{report.left_out} characters in the middle of the output were left out; write large "
            "output to a file"
        )
    if report.results_left_out:
        members["truncated"] = True
        warnings.append(f"{report.results_left_out} further results were left out")
    if warnings:
        members["warnings"] = warnings
    return members


def execute_command(
    context: ToolContext,
    *,
    command: str,
    cwd: str | None,
    env: Mapping[str, str] | None,
    timeout_seconds: int | None,
) -> Response:
    check_environment("execute_command", env or {})
    command = with_environment(command, cwd, env or {})
    marker = new_marker()

    def limited(command: str) -> str:
        # Enforce the limit inside the sandbox, so that a timeout ends the command and keeps the
        # session.
        return command_line(marker, "run_command", command=command, seconds=timeout_seconds)

    if timeout_seconds is None:
        result = context.run_command(command, None)
    else:
        result = context.run_command(command, timeout_seconds + GRACE_SECONDS, limited)
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
    from ..sandbox.failures import failure_line  # few programs fail

    code = "" if result.exit_code is None else f" with exit code {result.exit_code}"
    line = failure_line(stderr)
    return f"{subject} failed{code}: {line}" if line else f"{subject} failed{code}"


def save_results(
    context: ToolContext, bundles: list[MimeBundle], save_figures: bool
) -> tuple[list[str], list[str]]:
    """Save the results that are too large for a report, and figures if asked.

    :return: The names of saved files, and warnings.
    """
    if not bundles:
        return [], []
    from ..files.rich_results import save_files, save_value  # few programs display values

    saved: list[str] = []
    warnings: list[str] = []
    try:
        saved, warnings = save_files(context.session.sandbox(), context.workspace, bundles)
        for bundle in bundles if save_figures else []:
            for kind in [kind for kind in bundle if kind.startswith("image/")][:1]:
                path = save_value(context.workspace, kind, bundle[kind])
                bundle["files"] = {**bundle.get("files", {}), kind: path}
                saved.append(path)
    except RequestError as error:
        warnings = [*warnings, f"results were not saved: {error.message}"]
    return saved, warnings


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
