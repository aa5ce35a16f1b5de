"""The emulator's side of the supervisor: starts a session's programs and waits for their end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from agentcore_emulator.sandbox.supervisor.messages import (
    SESSION_VARIABLE,
    Command,
    Configuration,
    Excess,
    Report,
)
from agentcore_emulator.sandbox.supervisor.processes import descendants, end_marked
from agentcore_emulator.sandbox.supervisor.removal import remove_tree

HERE = Path(__file__).parent
CLOSE_SECONDS = 5.0  # for the end of all processes, which takes milliseconds


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    status: int
    exceeded: Excess | None = None
    """The limit that the program exceeded."""


KILLED = Ended(128 + signal.SIGKILL)


class Guard(Protocol):
    """The process of a guard."""

    @property
    def pid(self) -> int: ...

    def kill(self) -> None: ...

    def wait(self) -> object: ...


# Starts the guard of the session in a directory, which keeps the socket.
StartGuard = Callable[[str, socket.socket], Guard]


class Supervisor:
    """One session's supervisor. It belongs to the event loop in which it is made."""

    def __init__(self, guard: Guard, control: socket.socket, directories: list[str]) -> None:
        self._guard = guard
        self._directories = directories
        self._clean = False
        self._control = control
        self._loop = asyncio.get_running_loop()
        self._numbers = count()
        self._programs: dict[int, asyncio.Future[Ended]] = {}
        self._received = b""
        self._sending = asyncio.Lock()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._empty: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(control, self._receive)

    @classmethod
    async def start(cls, configuration: Configuration, start_guard: StartGuard) -> Supervisor:
        """Start the supervisor of one session.

        :raises OSError: if the machine does not allow it.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            guard = start_guard(configuration["remove"][0], theirs)
        with contextlib.suppress(OSError):  # `_receive` notices that the guard ended
            ours.sendall(json.dumps(configuration).encode() + b"\n")
        ours.setblocking(False)
        supervisor = cls(guard, ours, configuration["remove"])
        try:
            await supervisor._ready
        except BaseException:
            await supervisor.close()
            raise
        return supervisor

    @property
    def alive(self) -> bool:
        return not self._closed.done()

    def process_ids(self) -> list[int]:
        """Return the ids of the guard and of all processes below it, as the emulator sees them."""
        return [self._guard.pid, *descendants(self._guard.pid)] if self.alive else []

    async def run(
        self, arguments: Sequence[str], standard: Sequence[int], *, is_kernel: bool = False
    ) -> ProgramHandle:
        """Start a program on three descriptors. The caller closes its copies of them.

        With `is_kernel`, fork the kernel that a template has in memory; the arguments are those of
        the kernel's program.
        """
        number = next(self._numbers)
        program = ProgramHandle(self, number, self._loop.create_future())
        message: Command = {
            "start": number,
            "arguments": list(arguments),
            "is_kernel": is_kernel,
        }
        if not self.alive:
            program.ended.set_result(KILLED)
            return program
        self._programs[number] = program.ended
        sending = asyncio.ensure_future(self._send(message, standard))
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            # A message must not be cut in two, and its descriptors must still be open.
            await sending
            await program.end()
            raise
        return program

    async def end(self, number: int) -> None:
        await self._send({"end": number})

    async def close(self) -> None:
        """End all programs; return when no process and no directory of the session is left."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        for pid in self.process_ids():  # a program may have stopped it
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGCONT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._empty), CLOSE_SECONDS)
        if not self._empty.done():
            self._guard.kill()
        await asyncio.shield(self._closed)
        await self._loop.run_in_executor(None, self._finish)

    def _finish(self) -> None:
        self._guard.wait()
        if not self._clean:  # a program killed the guard or the session
            end_marked(SESSION_VARIABLE, self._directories[0])
            for directory in self._directories:
                remove_tree(Path(directory))

    async def _send(self, message: Command, descriptors: Sequence[int] = ()) -> None:
        data = json.dumps(message).encode() + b"\n"
        async with self._sending:
            with contextlib.suppress(OSError):  # `_receive` notices that the supervisor ended
                sent = await self._send_some(data, descriptors)
                await self._loop.sock_sendall(self._control, data[sent:])

    async def _send_some(self, data: bytes, descriptors: Sequence[int]) -> int:
        while True:
            try:
                return socket.send_fds(self._control, [data], descriptors)
            except BlockingIOError:
                writable = asyncio.Event()
                self._loop.add_writer(self._control, writable.set)
                try:
                    await writable.wait()
                finally:
                    self._loop.remove_writer(self._control)

    def _receive(self) -> None:
        try:
            data = self._control.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._received += data
        *lines, self._received = self._received.split(b"\n")
        for line in lines:
            self._handle_message(json.loads(line))
        if not data or self._clean:
            self._end()

    def _handle_message(self, message: Report) -> None:
        if "ended" in message:
            ended = self._programs.pop(message["ended"])
            ended.set_result(Ended(message["status"], message["exceeded"]))
        elif "ready" in message:
            self._ready.set_result(None)
        elif "failed" in message:
            if not self._ready.done():
                self._ready.set_exception(OSError(f"the sandbox cannot start: {message['failed']}"))
        elif "empty" in message:
            self._empty.set_result(None)
        else:
            self._clean = True

    def _end(self) -> None:
        self._loop.remove_reader(self._control)
        self._control.close()
        self._closed.set_result(None)
        if not self._empty.done():
            self._empty.set_result(None)
        if not self._ready.done():
            self._ready.set_exception(OSError("the sandbox cannot start: it ended at once"))
        for ended in self._programs.values():
            ended.set_result(KILLED)
        self._programs.clear()


@dataclass(frozen=True)
class ProgramHandle:
    """A program that was started."""

    supervisor: Supervisor
    number: int
    ended: asyncio.Future[Ended]

    async def finished(self) -> Ended:
        """Wait for the program's end. Several callers may wait."""
        return await asyncio.shield(self.ended)

    async def end(self) -> None:
        """Kill the program and all that it started; return when no process of it is left."""
        if not self.ended.done():
            await self.supervisor.end(self.number)
            await self.finished()


def execute_guard(directory: str, control: socket.socket) -> subprocess.Popen[bytes]:
    """Start a guard as a program of its own."""
    return run_alone(
        "guard.main",
        str(control.fileno()),
        environment={SESSION_VARIABLE: directory},
        keep=control.fileno(),
    )


@functools.cache
def namespaces_available() -> bool:
    """Return whether this machine lets this user make namespaces."""
    with tempfile.TemporaryDirectory() as directory:
        process = run_alone("namespaces.probe", directory)
        return process.wait() == 0


def run_alone(
    function: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    keep: int | None = None,
) -> subprocess.Popen[bytes]:
    """Run a function of the supervisor in a Python process that has the standard library alone.

    `environment` has all its variables, and `keep` is a descriptor that it inherits.
    """
    module, name = function.split(".")
    program = (
        f"import sys; sys.path.insert(0, {str(HERE)!r}); "
        f"from supervisor.{module} import {name}; {name}(*sys.argv[1:])"
    )
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", program, *arguments],
        cwd="/",
        env=environment or {},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=() if keep is None else (keep,),
        start_new_session=True,
    )
