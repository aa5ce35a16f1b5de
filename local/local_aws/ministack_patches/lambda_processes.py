"""Start the processes of Python functions as forks of a process that has the AWS SDK imported.

A cold start takes 0.25 seconds less of a processor in this way, and a deployment has some: each
function, and each version of it, starts in an execution environment of its own. Where forking a
process is not safe (macOS), each is started anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).with_name("lambda_template.py")

# The interpreter and the C library read these when a process starts.
READ_AT_START = ("PYTHON", "MALLOC_", "GLIBC_", "LD_", "LC_", "LANG", "TZ")
POLL_SECONDS = 0.005


class ForkedProcess:
    """A process that the template forked, with the part of `subprocess.Popen` that is used."""

    def __init__(self, process_id: int, streams: Sequence[int]) -> None:
        """Take the server's ends of the process's standard input, output and error."""
        assert sys.platform == "linux"
        self.pid = process_id
        self._descriptor: int | None = None
        # When it has ended, another process may get its id, but never its descriptor.
        with contextlib.suppress(ProcessLookupError):
            self._descriptor = os.pidfd_open(process_id)
            weakref.finalize(self, os.close, self._descriptor)
        self.stdin = os.fdopen(streams[0], "w", buffering=1, encoding="utf-8")
        self.stdout = os.fdopen(streams[1], encoding="utf-8")
        self.stderr = os.fdopen(streams[2], encoding="utf-8", errors="replace")

    def poll(self) -> int | None:
        """Return None while the process runs. Its exit code is not known here."""
        return -1 if self._descriptor is None or has_ended(self._descriptor) else None

    def wait(self, timeout: float) -> int:
        """Wait for the end of the process.

        :raises subprocess.TimeoutExpired: after `timeout` seconds
        """
        ends = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > ends:
                raise subprocess.TimeoutExpired([str(self.pid)], timeout)
            time.sleep(POLL_SECONDS)
        return code

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        assert sys.platform == "linux"
        if self._descriptor is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, number)


def has_ended(process: int) -> bool:
    """Tell whether a process has ended, given its file descriptor."""
    end = select.poll()
    end.register(process, select.POLLIN)
    return bool(end.poll(0))


class Template:
    """A process that forks others, each with an environment of its own."""

    def __init__(self, python: Path, environment: dict[str, str]) -> None:
        # The modules of functions; the folder goes with the server's.
        self.compiled = Path(tempfile.mkdtemp(prefix="compiled-modules-"))
        # Each message is received as it was sent; a stream would cut a large environment in two.
        self._connection, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with others:
            self._process = subprocess.Popen(
                [str(python), str(TEMPLATE), str(self.compiled)],
                stdin=others.fileno(),
                env=environment,
                cwd="/",
            )
        self._lock = threading.Lock()

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def start(self, program: str, folder: str, environment: Mapping[str, str]) -> ForkedProcess:
        """Start a program, which is run as `python program` runs it.

        :raises OSError: if the environment is too large, or no process can start.
        """
        request = {"program": program, "folder": folder, "environment": dict(environment)}
        pipes = [os.pipe() for _ in range(3)]
        theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
        ours = [pipes[0][1], pipes[1][0], pipes[2][0]]
        try:
            with self._lock:
                socket.send_fds(self._connection, [json.dumps(request).encode()], theirs)
                process_id = int(self._connection.recv(32) or -1)
            if process_id == -1:
                raise OSError("the function cannot start: no process or memory is left for it")
        except OSError:
            for stream in ours:
                os.close(stream)
            raise
        finally:
            for stream in theirs:
                os.close(stream)
        return ForkedProcess(process_id, ours)


class LambdaProcesses:
    """Take the place of the module `subprocess` in MiniStack's Lambda runtime."""

    PIPE = subprocess.PIPE
    STDOUT = subprocess.STDOUT
    DEVNULL = subprocess.DEVNULL

    def __init__(self, python: Path) -> None:
        """Fork the processes that are to run with the interpreter `python`."""
        self._python = python
        self._lock = threading.Lock()
        # A template for each set of variables that are read when a process starts.
        self._templates: dict[frozenset[tuple[str, str]], Template] = {}

    def Popen(  # noqa: N802 - the name in `subprocess`
        self, command: list[str], *, cwd: str, env: dict[str, str], **options: Any
    ) -> Any:
        """Start a process, as `subprocess.Popen` with these options does."""
        if command[0] != str(self._python) or sys.platform != "linux":
            popen: Any = subprocess.Popen  # whose overloads know no options as a whole
            return popen(command, cwd=cwd, env=env, **options)
        return self._template(env).start(command[1], cwd, env)

    def _template(self, environment: Mapping[str, str]) -> Template:
        read_at_start = {
            name: value for name, value in environment.items() if name.startswith(READ_AT_START)
        }
        key = frozenset(read_at_start.items())
        with self._lock:
            template = self._templates.get(key)
            if template is None or template.has_ended():
                template = self._templates[key] = Template(self._python, read_at_start)
            return template
