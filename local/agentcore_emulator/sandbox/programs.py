"""Start programs of a session on pipes or on a terminal, and capture their output."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from agentcore_emulator.sandbox.output import Output
from agentcore_emulator.sandbox.settings import SandboxSettings
from agentcore_emulator.sandbox.supervisor_client import Ended, ProgramHandle, Supervisor

ROWS, COLUMNS = 24, 80

EXCEEDED = {
    "processes": "more than {0.processes} processes",
    "memory": "more than {0.memory_bytes} bytes of memory",
    "disk": "more than {0.disk_bytes} bytes of disk",
}


@dataclass
class Captured:
    """A program and its output. On a terminal both streams are `stdout`."""

    program: ProgramHandle
    outputs: tuple[Output, ...]
    started: float = field(default_factory=time.perf_counter)

    async def wait(self) -> Ended:
        """Wait for the end of the program and of all that it started; cancellation ends them."""
        try:
            return await self.program.finished()
        except BaseException:
            await self.close()
            raise

    def take(self) -> list[str]:
        return [output.take() for output in self.outputs]

    async def close(self) -> None:
        await self.program.end()
        for output in self.outputs:
            output.close()


async def start_on_pipes(
    supervisor: Supervisor,
    arguments: Sequence[str],
    settings: SandboxSettings,
    stdin: int,
    *,
    is_kernel: bool = False,
) -> Captured:
    """Start a program; see `Supervisor.run`."""
    pipes = [os.pipe(), os.pipe()]
    return await start_captured(
        supervisor,
        arguments,
        ends=[read for read, _ in pipes],
        standard=[stdin, *(write for _, write in pipes)],
        limit=settings.output_bytes,
        is_kernel=is_kernel,
    )


async def start_on_terminal(
    supervisor: Supervisor, arguments: Sequence[str], settings: SandboxSettings, stdin: int | None
) -> Captured:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    return await start_captured(
        supervisor,
        arguments,
        ends=[ours],
        standard=[theirs if stdin is None else stdin, theirs, theirs],
        limit=settings.output_bytes,
    )


async def start_captured(
    supervisor: Supervisor,
    arguments: Sequence[str],
    *,
    ends: Sequence[int],
    standard: Sequence[int],
    limit: int,
    is_kernel: bool = False,
) -> Captured:
    outputs = tuple(Output(end, limit) for end in ends)
    try:
        program = await supervisor.run(arguments, standard, is_kernel=is_kernel)
    except BaseException:
        for output in outputs:
            output.close()
        raise
    finally:
        for descriptor in set(standard[1:]):
            os.close(descriptor)
    return Captured(program, outputs)


def describe_excess(ended: Ended, settings: SandboxSettings) -> str:
    """Return the reason why the sandbox ended a program, or an empty string."""
    if ended.exceeded is None:
        return ""
    return f"Ended by the sandbox: {EXCEEDED[ended.exceeded].format(settings)}."


def open_empty_input() -> int:
    """Open a descriptor that is at its end. The caller closes it."""
    return os.open(os.devnull, os.O_RDONLY)
