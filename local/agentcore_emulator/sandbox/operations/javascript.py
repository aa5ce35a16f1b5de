"""Run JavaScript and TypeScript, each time in a new process of Deno or Node."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence

from agentcore_emulator.sandbox.environment import Folders
from agentcore_emulator.sandbox.programs import describe_excess, start_on_pipes
from agentcore_emulator.sandbox.results import (
    Result,
    ToolError,
    execution,
    stripped,
    with_note,
)
from agentcore_emulator.sandbox.settings import SandboxSettings
from agentcore_emulator.sandbox.supervisor_client import Supervisor

# The runtimes read the code from standard input, so that it finds modules among the session's
# files.
# Node runs JavaScript as CommonJS and TypeScript as ES modules (the service's documentation).
ARGUMENTS: dict[tuple[str, str], Sequence[str]] = {
    ("deno", "javascript"): ("run", "--quiet", "--no-prompt", "--allow-all", "--ext=js", "-"),
    ("deno", "typescript"): ("run", "--quiet", "--no-prompt", "--allow-all", "--ext=ts", "-"),
    ("nodejs", "javascript"): ("--input-type=commonjs", "-"),
    ("nodejs", "typescript"): ("--input-type=module-typescript", "-"),
}


async def execute_javascript(
    supervisor: Supervisor,
    folders: Folders,
    settings: SandboxSettings,
    code: str,
    *,
    language: str,
    runtime: str,
) -> Result:
    name, program = ("deno", settings.deno) if runtime == "deno" else ("node", settings.node)
    if program is None:
        raise ToolError(
            f"This emulator has no {name} to run {language} with: set SandboxSettings.{name}."
        )
    with tempfile.TemporaryFile(dir=folders.staging) as source:
        source.write(code.encode())
        source.seek(0)
        arguments = [name, *ARGUMENTS[runtime, language]]
        if settings.javascript_colours == "none":
            arguments = ["env", "NO_COLOR=1", *arguments]  # Deno's, also without a terminal
        captured = await start_on_pipes(supervisor, arguments, settings, source.fileno())
        ended = await captured.wait()
    seconds = time.perf_counter() - captured.started
    stdout, stderr = captured.take()
    await captured.close()
    return execution(
        stdout=stripped(stdout, settings.stripped_end),
        stderr=with_note(stderr, describe_excess(ended, settings)).removesuffix("\n"),
        exit_code=ended.status,
        seconds=seconds,
    )
