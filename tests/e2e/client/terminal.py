"""A person at a terminal: a program behind a pseudo-terminal, what it shows, and keys for it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from code_interpreter_client import Session

    from .forks import Forks

PROGRAM: Final = str(Path(sys.executable).with_name("code-interpreter"))
COMMAND: Final = (sys.executable, PROGRAM)
SECONDS: Final = 60
ROWS, COLUMNS = 40, 120
# The program's own terminal, so that Ctrl-C reaches it as SIGINT while it does not read keys.
START: Final = (
    "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "signal.signal(signal.SIGINT, signal.SIG_DFL);"  # a parent in the background ignores it
    "os.execv(sys.argv[1], sys.argv[1:])"
)
CONTROL_SEQUENCE: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[=>]|\x1b\][^\x07]*\x07")
CTRL_C, CTRL_D, TAB, ENTER = "\x03", "\x04", "\t", "\r"


class Terminal:
    """A program in a pseudo-terminal. `shown` is all that it has shown, without colours."""

    def __init__(
        self,
        *command: str,
        environment: Mapping[str, str],
        folder: Path,
        size: tuple[int, int] = (ROWS, COLUMNS),
        forks: Forks | None = None,
    ) -> None:
        """Start the program.

        :param forks: The process that forks it. Default: it is started as a person starts it.
        """
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        # Nobody here replies to a request for the cursor's position.
        variables = {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", **environment}
        variables = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
        self._process = (
            forks.start(
                command, streams=(slave, slave, slave), environment=variables, folder=folder
            )
            if forks
            else subprocess.Popen(
                [sys.executable, "-c", START, *command],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=variables,
                cwd=folder,
                start_new_session=True,
            )
        )
        os.close(slave)
        self.raw = ""
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    @property
    def shown(self) -> str:
        return CONTROL_SEQUENCE.sub("", self.raw)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def enter(self, line: str) -> None:
        self.type(line + ENTER)

    def expect(self, pattern: str, seconds: float = SECONDS) -> str:
        """Wait until a pattern is shown after the last one, and return the text up to its end."""
        ends_at = time.monotonic() + seconds
        while True:
            text = self.shown[self._seen :]
            found = re.search(pattern, text)
            if found:
                self._seen += found.end()
                return text[: found.end()]
            if not self._receive(ends_at - time.monotonic()):
                raise AssertionError(f"no {pattern!r} in {text!r}")

    def wait(self, seconds: float = SECONDS) -> int:
        """Wait for the program's end, and return its exit code."""
        ends_at = time.monotonic() + seconds
        while self._receive(ends_at - time.monotonic()):
            pass
        return self._process.wait(timeout=max(1.0, ends_at - time.monotonic()))

    def _receive(self, seconds: float) -> bool:
        """Take in more text, and return whether there was some in time."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # the program has closed the terminal
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)


def wait_for_file(session: Session, name: str) -> None:
    """Wait until a program has made a file in the sandbox."""
    ends_at = time.monotonic() + SECONDS
    while name not in {entry.name for entry in session.list()}:
        assert time.monotonic() < ends_at, f"no file {name}"
        time.sleep(0.05)
