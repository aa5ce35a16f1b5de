"""The messages between the emulator and a supervisor: lines of JSON on a socket.

The first line is the configuration; the supervisor responds to it. A start travels with three
descriptors: the program's standard input, output and errors.
"""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Literal, TypedDict, final

# Names the session's directory to its supervisor and its programs, and marks them by it.
SESSION_VARIABLE = "AGENTCORE_SANDBOX"

Excess = Literal["processes", "memory", "disk"]


class LimitsConfiguration(TypedDict):
    """The members of `program.Limits`."""

    memory: int
    file_size: int
    open_files: int
    processes: int


class Configuration(TypedDict):
    """One session, as the emulator describes it to the supervisor. Paths are absolute."""

    directory: str
    """Programs start here."""

    environment: dict[str, str]
    """All variables of the programs."""

    limits: LimitsConfiguration
    disk: int
    """Bytes that the files in `writable` may occupy."""

    namespaces: bool
    writable: list[str]
    temporary: str
    needed: list[str]
    hidden: list[str]
    """See `namespaces.mount`."""

    remove: list[str]
    """Directories to remove when the session has ended, the session's own first."""


@final
class StartProgram(TypedDict):
    """Start a program; the emulator chooses its number."""

    start: int
    arguments: list[str]
    is_kernel: bool
    """See `program.Program`."""


@final
class EndProgram(TypedDict):
    """Kill a program and all that it started."""

    end: int


@final
class Ready(TypedDict):
    """The session takes programs."""

    ready: Literal[True]


@final
class StartFailed(TypedDict):
    """The session cannot start."""

    failed: str


@final
class ProgramEnded(TypedDict):
    """A program and all that it started have ended."""

    ended: int
    status: int
    exceeded: Excess | None


@final
class Empty(TypedDict):
    """No process of the session is left."""

    empty: Literal[True]


@final
class Closed(TypedDict):
    """No file of the session is left."""

    closed: Literal[True]


Command = StartProgram | EndProgram
Report = Ready | StartFailed | ProgramEnded | Empty | Closed


def receive_configuration(control: socket.socket) -> Configuration:
    """Return the first line.

    :raises EOFError: if the emulator is gone.
    """
    line = b""
    while not line.endswith(b"\n"):
        data = control.recv(1 << 16)
        if not data:
            raise EOFError
        line += data
    configuration: Configuration = json.loads(line)
    return configuration


def send_report(control: socket.socket, report: Report) -> None:
    with contextlib.suppress(OSError):  # the emulator is gone
        control.sendall(json.dumps(report).encode() + b"\n")
