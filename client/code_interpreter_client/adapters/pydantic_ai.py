"""A workspace backend for Pydantic AI, with commands and files.

backend = CodeInterpreterBackend(CodeInterpreter.from_stack(), "sales-q3")
workspace = Workspace(backend)
"""

from __future__ import annotations

import asyncio
import math
import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from pydantic_ai.workspaces import (
    CommandResult,
    FileEntry,
    WorkspaceRef,
    WorkspaceTimeoutError,
    WorkspaceUnavailableError,
)

from ..code_interpreter import CodeInterpreter
from ..errors import OutcomeUnknown, TimedOut
from ..session import Entry
from .sandbox import Sandbox, shell_command

T = TypeVar("T")
PROVIDER: Final = "code-interpreter"


class CodeInterpreterBackend:
    """The sandbox of a session.

    It is never stopped: its time ends, or somebody stops the session that `ref` names. A sandbox
    that has ended is replaced by one that has the session's uploads, but no other files.

    :param interpreter: The deployed code interpreter.
    :param session: The session's name. Default: a new name.
    :param ref: The `ref` of an earlier backend, in the place of a name.
    """

    def __init__(
        self,
        interpreter: CodeInterpreter,
        session: str | None = None,
        *,
        ref: WorkspaceRef | None = None,
    ) -> None:
        self._sandbox = Sandbox(interpreter.session(session if ref is None else ref.id))
        self._ref = ref

    @property
    def ref(self) -> WorkspaceRef | None:
        """The session, once it is used."""
        return self._ref

    async def working_dir(self) -> str:
        """Return the working directory."""
        return await self._do(self._sandbox.working_folder)

    async def run(
        self,
        command: str | Sequence[str],
        *,
        shell: bool = False,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> CommandResult:
        """Run a command, at most once. It ends when the task is cancelled."""
        if isinstance(command, str) != shell:
            raise TypeError("a string needs shell=True, and a sequence shell=False")
        if timeout is not None and not (math.isfinite(timeout) and timeout > 0):
            raise ValueError(f"timeout is {timeout}; it must be a positive number or None")
        argv = shell_command(command) if isinstance(command, str) else command
        self._begin()
        try:
            done = await self._sandbox.run_cancellable(argv, env=env, timeout=timeout)
        except TimedOut as error:
            raise WorkspaceTimeoutError(error.message, stdout=error.result.stdout) from error
        except OutcomeUnknown as error:
            raise WorkspaceUnavailableError(error.message) from error
        if done.timed_out:
            raise WorkspaceTimeoutError(
                f"the command was ended after {timeout} seconds",
                stdout=done.stdout,
                stderr=done.stderr,
            )
        return CommandResult(exit_code=done.exit_code, stdout=done.stdout, stderr=done.stderr)

    async def read_bytes(self, path: str) -> bytes:
        """Return a file's bytes."""
        return await self._do(lambda: self._sandbox.read(path))

    async def write_bytes(self, path: str, data: bytes) -> None:
        """Write a file, and the folders above it."""
        await self._do(lambda: self._sandbox.write(path, data))

    async def stat(self, path: str) -> FileEntry:
        """Return a file or folder."""
        return file_entry(path, await self._do(lambda: self._sandbox.describe(path)))

    async def list_dir(self, path: str) -> Sequence[FileEntry]:
        """Return the files and folders in a folder."""
        entries = await self._do(lambda: self._sandbox.list(path))
        return [file_entry(posixpath.join(path, entry.name), entry) for entry in entries]

    async def make_dir(self, path: str) -> None:
        """Make a folder, and those above it."""
        await self._do(lambda: self._sandbox.make_folder(path))

    async def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it."""
        await self._do(lambda: self._sandbox.remove(path))

    async def exists(self, path: str) -> bool:
        """Return whether there is a file or folder."""
        return await self._do(lambda: self._sandbox.exists(path))

    async def realpath(self, path: str) -> str:
        """Return the absolute path without links."""
        return await self._do(lambda: self._sandbox.resolve(path))

    def _begin(self) -> None:
        if self._ref is None:
            self._ref = WorkspaceRef(provider=PROVIDER, id=self._sandbox.session.name)

    async def _do(self, call: Callable[[], T]) -> T:
        self._begin()
        try:
            return await asyncio.to_thread(call)
        except OutcomeUnknown as error:
            raise WorkspaceUnavailableError(error.message) from error


def file_entry(path: str, entry: Entry) -> FileEntry:
    return FileEntry(
        name=posixpath.basename(path), path=path, is_dir=entry.is_folder, size=entry.size
    )
