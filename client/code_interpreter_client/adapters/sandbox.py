"""A session's sandbox as frameworks of agents see it: commands, and files by absolute paths.

The service merges the two outputs of a command, and its file operations know the working directory
alone. So a program in the sandbox does the work; each request to it runs at most once.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import os
import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from ..function import new_key
from ..session import Entry, Session

PROGRAM: Final = files(__package__).joinpath("sandbox_program.py").read_text()
# Bytes of a request that fit into a command, which has at most 120,000.
MAX_INLINE: Final = 60_000
# Bytes that are read or written with one request.
PART: Final = 3_000_000
# Seconds that the sandbox has to end a command by itself, before the function does.
GRACE_SECONDS: Final = 30
# Seconds that a command may take (the function's limit for a time limit).
MAX_SECONDS: Final = 900


@dataclass(frozen=True)
class Completed:
    """A command that has ended. One that was killed by a signal has the exit code 128 + signal."""

    exit_code: int
    stdout: str
    stderr: str
    timed_out: bool


class Sandbox:
    """The sandbox of a session. When it has ended, the next request has a new one.

    Paths are absolute, or relative to the working directory.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        # The working directory of the sandbox that has the id.
        self._working_folder: str | None = None
        self._session_id: str | None = None

    def working_folder(self) -> str:
        """Return the working directory."""
        if self._working_folder is None:
            self._working_folder = self.resolve(".")
        return self._working_folder

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        merge: bool = False,
        token: str | None = None,
    ) -> Completed:
        """Run a command, at most once, to its end or to its time limit.

        :param timeout: In seconds. Default: the function's time.
        :param merge: Whether errors are part of the output, in their order.
        :param token: A new name, with which `stop` finds the command.
        :raises TimedOut: if the function ended it
        :raises OutcomeUnknown: if the sandbox ended while it ran
        """
        response = self._request(
            "run",
            limit=timeout,
            token=token or new_key(),
            argv=list(argv),
            cwd=cwd,
            env=dict(env or {}),
            timeout=timeout,
            merge=merge,
        )
        output = {name: base64.b64decode(response.get(name, "")) for name in ("stdout", "stderr")}
        if "folder" in response:
            folder = response["folder"]
            for name, size in response["sizes"].items():
                output[name] += self._read(f"{folder}/{name}", len(output[name]), size)
            self._request("remove_output", folder=folder)
        return Completed(
            response["exit_code"],
            output["stdout"].decode(errors="replace"),
            output["stderr"].decode(errors="replace"),
            response["timed_out"],
        )

    def stop(self, token: str) -> None:
        """End the command that has a token, or keep it from beginning."""
        self._request("stop", token=token)

    async def run_cancellable(self, argv: Sequence[str], **options: Any) -> Completed:
        """Run a command as `run` does. It ends when the task is cancelled."""
        token = new_key()
        try:
            return await asyncio.to_thread(self.run, argv, token=token, **options)
        except asyncio.CancelledError:
            in_background(lambda: self.stop(token))
            raise

    def read(self, path: str) -> bytes:
        """Return a file of any size.

        :raises OSError: if it cannot be read, as `open` does
        """
        return self._read(self._absolute(path), 0, None)

    def _read(self, path: str, offset: int, end: int | None) -> bytes:
        """Return the bytes of a file from an offset to an end, by default that of the file."""
        parts = []
        while end is None or offset < end:
            response = self._request("read", path=path, offset=offset, size=PART)
            part = base64.b64decode(response["data"])
            end = response["size"] if end is None else end
            offset += len(part)
            parts.append(part)
            if not part:  # the file is shorter than it was
                break
        return b"".join(parts)

    def write(self, path: str, data: bytes) -> None:
        """Write a file of any size, and the folders above it.

        :raises OSError: if it cannot be written, as `open` does
        """
        if len(data) <= MAX_INLINE // 2:
            self._request("write", path=self._absolute(path), data=encoded(data), parts=[])
            return
        parts = []
        for start in range(0, len(data), PART):
            parts.append(f".{new_key()}")
            self.session.write(parts[-1], data[start : start + PART])
        self._request("write", path=self._absolute(path), data="", parts=parts)

    def describe(self, path: str) -> Entry:
        """Return a file or folder.

        :raises FileNotFoundError: if there is none
        """
        return Entry(**self._request("describe", path=path)["entry"])

    def list(self, path: str) -> Sequence[Entry]:
        """Return the files and folders in a folder.

        :raises OSError: if it cannot be read, as `os.listdir` does
        """
        return [Entry(**entry) for entry in self._request("entries", path=path)["entries"]]

    def make_folder(self, path: str) -> None:
        """Make a folder, and those above it.

        :raises OSError: if it cannot be made, as `os.makedirs` does
        """
        self._request("make_folder", path=path)

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it.

        :raises ValueError: if the working directory is in it
        :raises OSError: if it cannot be removed
        """
        response = self._request("remove", path=self._absolute(path))
        if "refused" in response:
            raise ValueError(response["refused"])

    def exists(self, path: str) -> bool:
        """Return whether there is a file or folder."""
        try:
            self.describe(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def resolve(self, path: str) -> str:
        """Return the absolute path without links."""
        return str(self._request("resolve", path=path)["path"])

    def _absolute(self, path: str) -> str:
        return path if path.startswith("/") else f"{self.working_folder()}/{path}"

    def _request(
        self, operation: str, *, limit: float | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """Let the program in the sandbox do something, and return its response.

        :raises OSError: if an operation on files fails, with the class for its `errno`
        """
        text = json.dumps({"operation": operation, **arguments})
        if len(text) <= MAX_INLINE:
            source = ["text", encoded(text.encode())]
        else:
            source = ["file", f".{new_key()}"]
            self.session.write(source[1], text)
        seconds = None if limit is None else math.ceil(limit) + GRACE_SECONDS
        result = self.session.command(
            shlex.join(["python3", "-c", PROGRAM, *source]),
            timeout=seconds if seconds is None or seconds <= MAX_SECONDS else None,
        )
        session_id = result.response["session_id"]
        if session_id != self._session_id:
            self._session_id, self._working_folder = session_id, None
        response: dict[str, Any] = json.loads(result.stdout)
        if "errno" in response:
            number = response["errno"]
            raise OSError(number, response["reason"] or os.strerror(number), response["path"])
        return response


def shell_command(text: str) -> list[str]:
    """Return the command that runs a line of the shell."""
    return ["bash", "-c", text]


def in_background(call: Callable[[], object]) -> None:
    """Make a call in a thread of its own: a task that is cancelled cannot wait for anything."""
    threading.Thread(target=call, name="code-interpreter").start()


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
