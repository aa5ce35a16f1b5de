"""A backend for deepagents: `create_deep_agent(backend=CodeInterpreterSandbox(interpreter))`."""

from __future__ import annotations

from typing import Final

from deepagents.backends.protocol import (
    ExecuteResponse,
    FileDownloadResponse,
    FileUploadResponse,
)
from deepagents.backends.sandbox import BaseSandbox

from ..code_interpreter import CodeInterpreter
from ..errors import CodeInterpreterError, TimedOut
from .sandbox import Sandbox, shell_command

# The exit code of a command that exceeded its time, as `timeout` of GNU coreutils has it.
TIMED_OUT: Final = 124
CODES: Final[dict[type[OSError], str]] = {
    FileNotFoundError: "file_not_found",
    IsADirectoryError: "is_directory",
    NotADirectoryError: "invalid_path",
    PermissionError: "permission_denied",
}


class CodeInterpreterSandbox(BaseSandbox):
    """The sandbox of a session.

    A sandbox that has ended is replaced by one that has the session's uploads, but no other files.

    :param interpreter: The deployed code interpreter.
    :param session: The session's name. Default: a new name.
    """

    def __init__(self, interpreter: CodeInterpreter, session: str | None = None) -> None:
        self.session = interpreter.session(session)
        self._sandbox = Sandbox(self.session)

    @property
    def id(self) -> str:
        """The session's name."""
        return self.session.name

    def execute(self, command: str, *, timeout: int | None = None) -> ExecuteResponse:
        """Run a shell command, at most once, and return its output and errors in their order.

        :param timeout: In seconds. Default, and 0: the function's time.
        """
        try:
            done = self._sandbox.run(shell_command(command), timeout=timeout or None, merge=True)
        except TimedOut as error:
            return ExecuteResponse(error.message, TIMED_OUT)
        if done.timed_out:
            ending = f"the command was ended after {timeout} seconds"
            return ExecuteResponse(f"{done.stdout}\n{ending}".lstrip(), TIMED_OUT)
        return ExecuteResponse(done.stdout, done.exit_code)

    def upload_files(self, files: list[tuple[str, bytes]]) -> list[FileUploadResponse]:
        """Write files. A failure is that of one file."""
        return [FileUploadResponse(path, self._upload(path, data)) for path, data in files]

    def _upload(self, path: str, data: bytes) -> str | None:
        if not path.startswith("/"):
            return "invalid_path"
        try:
            self._sandbox.write(path, data)
        except (OSError, CodeInterpreterError) as error:
            return code_of(error)
        return None

    def download_files(self, paths: list[str]) -> list[FileDownloadResponse]:
        """Read files. A failure is that of one file."""
        return [self._download(path) for path in paths]

    def _download(self, path: str) -> FileDownloadResponse:
        if not path.startswith("/"):
            return FileDownloadResponse(path, error="invalid_path")
        try:
            return FileDownloadResponse(path, self._sandbox.read(path))
        except (OSError, CodeInterpreterError) as error:
            return FileDownloadResponse(path, error=code_of(error))


def code_of(error: Exception) -> str:
    """Return the framework's name of a failure, or its message."""
    for kind, code in CODES.items():
        if isinstance(error, kind):
            return code
    return str(error)
