"""Processes of the client that do not import it anew.

A new interpreter is busy with the client's imports for most of a second. A test of the things that
a process does starts it here; one test of each program starts it as its users do.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECONDS = 60


class ForkedProcess:
    """A process with the part of `subprocess.Popen` that is used."""

    # As of a process that has no pipes.
    stdin = stdout = stderr = None

    def __init__(self, process_id: int, ended: socket.socket) -> None:
        self.pid = process_id
        self._ended = ended
        self._exit_code: int | None = None

    def poll(self) -> int | None:
        return self._receive(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code at the end of the process.

        :raises subprocess.TimeoutExpired: after `timeout` seconds
        """
        exit_code = self._receive(timeout)
        if exit_code is None:
            raise subprocess.TimeoutExpired([str(self.pid)], timeout or 0)
        return exit_code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _receive(self, seconds: float | None) -> int | None:
        if self._exit_code is None and select.select([self._ended], [], [], seconds)[0]:
            self._exit_code = int(self._ended.recv(32))
            self._ended.close()
        return self._exit_code


class Forks:
    """A process that has imported modules, and forks others.

    :param modules: All that a process imports, but the module that it runs.
    """

    def __init__(self, *modules: str) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.settimeout(SECONDS)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.client.template", *modules],
                stdin=theirs.fileno(),
                cwd=PROJECT,
                start_new_session=True,
            )

    def start(
        self,
        command: Sequence[str],
        *,
        streams: tuple[int, int, int],
        environment: Mapping[str, str],
        folder: str | Path,
    ) -> ForkedProcess:
        """Start `python FILE ...`, or with the option -m or -c, in a session of its own.

        :param command: The interpreter, which is this one, the file, and so on.
        :param streams: The file descriptors of its standard streams.
        """
        ended, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        message = {
            "arguments": command[1:],
            "environment": dict(environment),
            "folder": str(folder),
        }
        with theirs:
            descriptors = [*streams, theirs.fileno()]
            socket.send_fds(self._requests, [json.dumps(message).encode()], descriptors)
        return ForkedProcess(int(self._requests.recv(32)), ended)

    def launch_kernel(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: str | None = None, **_: Any
    ) -> ForkedProcess:
        """Take the place of Jupyter's function of this name."""
        with Path(os.devnull).open() as nothing:
            streams = (nothing.fileno(), 1, 2)
            return self.start(command, streams=streams, environment=env, folder=cwd or os.curdir)

    def close(self) -> None:
        """End the process that forks."""
        self._requests.close()
        self._process.wait()
