"""Run shell commands, each in a new shell on a terminal."""

from __future__ import annotations

import os
import time

from agentcore_emulator.sandbox.libraries import missing_library_note
from agentcore_emulator.sandbox.programs import (
    Captured,
    describe_excess,
    open_empty_input,
    start_on_terminal,
)
from agentcore_emulator.sandbox.results import Result, ToolError, execution, valid_text, with_note
from agentcore_emulator.sandbox.settings import SandboxSettings
from agentcore_emulator.sandbox.supervisor_client import Supervisor


async def start_command(
    supervisor: Supervisor, command: str, settings: SandboxSettings
) -> Captured:
    """Start a command.

    :raises ToolError: if no shell accepts it.
    """
    command = valid_text(command)
    size = len(command.encode())
    if size > settings.command_bytes:
        raise ToolError(
            f"The command is {size} bytes long and may have {settings.command_bytes}. "
            "Write it to a file with writeFiles and run that."
        )
    if "\0" in command:
        raise ToolError("The command contains a NUL character, which no shell takes.")
    stdin = open_empty_input() if settings.command_input == "empty" else None
    try:
        return await start_on_terminal(
            supervisor,
            [str(settings.shell), "-c", command],
            settings,
            stdin,
        )
    finally:
        if stdin is not None:
            os.close(stdin)


async def finish_command(captured: Captured, settings: SandboxSettings) -> Result:
    """Wait for the end of a command and of its background processes."""
    ended = await captured.wait()
    seconds = time.perf_counter() - captured.started
    [output] = captured.take()
    await captured.close()
    output = with_note(output, describe_excess(ended, settings))
    failed = ended.status != 0
    if failed:
        output = with_note(output, missing_library_note(output, settings))
    # The service moves all output of a command that fails to stderr.
    return execution(
        stdout="" if failed else output,
        stderr=output if failed else "",
        exit_code=ended.status,
        seconds=seconds,
    )
