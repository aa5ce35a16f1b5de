"""The emulator's side of the template: starts it, and asks it for the guards of sessions."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from agentcore_emulator.sandbox.environment import Folders, make_python, variables
from agentcore_emulator.sandbox.settings import SandboxSettings
from agentcore_emulator.sandbox.supervisor_client import HERE

START_SECONDS = 60.0
# Python, the C library and the dynamic linker read these once, when a program starts.
READ_AT_START = ("GLIBC_", "LANG", "LC_", "LD_", "MALLOC_", "PYTHON")
# /proc shows the variables of a session in the place of those with which the template started.
ROOM = {"ROOM": " " * 8192}


class ForkedGuard:
    """A guard that is the template's child."""

    def __init__(self, pid: int) -> None:
        assert sys.platform == "linux"
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    def kill(self) -> None:
        assert sys.platform == "linux"
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def wait(self) -> None:
        """Wait for the guard's end, once."""
        ended = select.poll()
        ended.register(self._descriptor, select.POLLIN)
        ended.poll()
        os.close(self._descriptor)


class Template:
    """A template's process, which any thread may ask for a guard."""

    def __init__(self, settings: SandboxSettings, program: str) -> None:
        """Start the process; `program` is the kernel's.

        :raises OSError: if the interpreter does not run the program.
        """
        self._lock = threading.Lock()
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.settimeout(START_SECONDS)
        # As a kernel has them: Python notes of its streams whether they can seek.
        reader, writer = os.pipe()
        os.close(reader)
        with theirs, open(writer, "wb") as output, python_folders(settings) as folders:
            self._process = subprocess.Popen(
                [
                    *(folders.python / "bin" / "python", "-P", "-c", program),
                    *("template", HERE, str(theirs.fileno()), folders.top),
                ],
                cwd="/",
                env={**variables(folders, settings), **ROOM},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            theirs.close()
            try:
                self._receive()
            except OSError:
                self._process.kill()
                self.close()
                raise
        atexit.register(self.close)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def fork_guard(self, directory: str, control: socket.socket) -> ForkedGuard:
        """Start the guard of the session in a directory.

        :raises OSError: if the machine does not allow it.
        """
        with self._lock:
            socket.send_fds(self._requests, [os.fsencode(directory)], [control.fileno()])
            pid = int(self._receive())
        if pid == 0:
            raise OSError("the sandbox cannot start: the machine has no process or memory left")
        return ForkedGuard(pid)

    def close(self) -> None:
        """End the process; its sessions end, too."""
        self._requests.close()
        self._process.wait()

    def _receive(self) -> bytes:
        received = self._requests.recv(100)
        if not received:
            raise OSError("the sandbox cannot start: its template has ended")
        return received


@contextlib.contextmanager
def python_folders(settings: SandboxSettings) -> Iterator[Folders]:
    """Make folders with a Python environment as a session has, without anything else."""
    with tempfile.TemporaryDirectory(prefix="template-", ignore_cleanup_errors=True) as directory:
        top = Path(directory).resolve()
        folders = Folders.at(top, sockets=top, settings=settings)
        folders.python.mkdir()
        make_python(folders, settings)
        yield folders


Key = tuple[Path, str, frozenset[tuple[str, str]]]
templates: dict[Key, Template | None] = {}


def running_template(settings: SandboxSettings, program: str) -> Template | None:
    """Return the template of all sandboxes with such an interpreter; start it if none runs.

    It ends with this process. None means that the interpreter does not run the kernel's program.
    Threads must not call this at the same time.
    """
    environment = {
        name: value
        for name, value in settings.environment.items()
        if name.startswith(READ_AT_START)
    }
    key = (settings.python, settings.home, frozenset(environment.items()))
    template = templates.get(key)
    if key not in templates or (template and not template.alive):
        try:
            template = Template(replace(settings, environment=environment), program)
        except OSError:
            template = None
        templates[key] = template
    return template
