"""A sandbox for Strands Agents.

agent = Agent(sandbox=CodeInterpreterSandbox(CodeInterpreter.from_stack(), "sales-q3"))
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from typing import Any, Final

from strands.sandbox import (
    LANGUAGE_PATTERN,
    ExecutionResult,
    FileInfo,
    OutputFile,
    Sandbox,
    StreamChunk,
)
from strands.sandbox.errors import SandboxPathNotFoundError, SandboxTimeoutError
from strands.types.tools import AgentTool
from strands.vended_tools.file_editor import make_file_editor
from strands.vended_tools.shell import make_shell

from ..code_interpreter import CodeInterpreter
from ..errors import CodeInterpreterError, TimedOut
from ..function import new_key
from ..results import Result
from ..session import Language
from . import sandbox as core

Output = AsyncGenerator[StreamChunk | ExecutionResult, None]
# The names of the languages that the interpreter itself runs.
LANGUAGES: Final[dict[str, Language]] = {
    "javascript": "javascript",
    "python": "python",
    "python3": "python",
    "typescript": "typescript",
}


class CodeInterpreterSandbox(Sandbox):
    """The sandbox of a session. Python keeps its variables, and its figures are output files.

    A sandbox that has ended is replaced by one that has the session's uploads, but no other files.
    Output comes when a command has ended.

    :param interpreter: The deployed code interpreter.
    :param session: The session's name. Default: a new name.
    """

    def __init__(self, interpreter: CodeInterpreter, session: str | None = None) -> None:
        self.session = interpreter.session(session)
        self._sandbox = core.Sandbox(self.session)

    async def execute_streaming(
        self,
        command: str,
        *,
        timeout: float | None = None,
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        **_: Any,
    ) -> Output:
        """Run a shell command, at most once. It ends when the task is cancelled."""
        async for part in self._run(core.shell_command(command), timeout, cwd, env):
            yield part

    async def execute_code_streaming(
        self,
        code: str,
        language: str,
        *,
        timeout: float | None = None,
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        **_: Any,
    ) -> Output:
        """Run a program, at most once.

        Python, JavaScript and TypeScript run in the interpreter, unless they have a folder or an
        environment of their own. Every other language is a command that reads its program.
        """
        if not LANGUAGE_PATTERN.fullmatch(language):
            raise ValueError(f"{language!r} is not the name of a command")
        if language in LANGUAGES and not cwd and not env:
            async for part in self._interpret(code, LANGUAGES[language], timeout):
                yield part
            return
        path = f"/tmp/{new_key()}"  # noqa: S108 - in the sandbox, and nobody can guess it
        await asyncio.to_thread(self._sandbox.write, path, code.encode())
        command = "python3" if language == "python" else language
        script = '"$0" < "$1"; code=$?; rm -f "$1"; exit $code'
        async for part in self._run(["sh", "-c", script, command, path], timeout, cwd, env):
            yield part

    async def _run(
        self, argv: list[str], timeout: float | None, cwd: str | None, env: dict[str, str] | None
    ) -> Output:
        try:
            done = await self._sandbox.run_cancellable(argv, cwd=cwd, env=env, timeout=timeout)
        except TimedOut as error:
            raise SandboxTimeoutError(timeout, error.result.stdout) from error
        if done.timed_out:
            raise SandboxTimeoutError(timeout, done.stdout, done.stderr)
        for part in streamed(done.stdout, done.stderr):
            yield part
        yield ExecutionResult(done.exit_code, done.stdout, done.stderr)

    async def _interpret(self, code: str, language: Language, timeout: float | None) -> Output:
        seconds = None if timeout is None else math.ceil(timeout)
        program = self.session.submit(code, language=language, timeout=seconds, check=False)
        try:
            result: Result = await asyncio.to_thread(program.result)
            files, missing = await asyncio.to_thread(output_files, result)
        except asyncio.CancelledError:
            core.in_background(program.interrupt)
            raise
        if result.response.get("error", {}).get("type") == "TimedOut":
            raise SandboxTimeoutError(timeout, result.stdout, result.stderr)
        stderr = result.stderr + missing
        for part in streamed(result.stdout, stderr):
            yield part
        exit_code = 1 if result.exit_code is None else result.exit_code
        yield ExecutionResult(exit_code, result.stdout, stderr, files)

    async def read_file(self, path: str, **_: Any) -> bytes:
        """Return a file's bytes."""
        return await asyncio.to_thread(self._sandbox.read, path)

    async def write_file(self, path: str, content: bytes, **_: Any) -> None:
        """Write a file, and the folders above it."""
        await asyncio.to_thread(self._sandbox.write, path, content)

    async def remove_file(self, path: str, **_: Any) -> None:
        """Remove a file."""
        await asyncio.to_thread(self._sandbox.remove, path)

    async def list_files(self, path: str, **_: Any) -> list[FileInfo]:
        """Return the files and folders in a folder."""
        try:
            entries = await asyncio.to_thread(self._sandbox.list, path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise SandboxPathNotFoundError(path) from error
        return [FileInfo(entry.name, entry.is_folder, entry.size) for entry in entries]

    def get_tools(self) -> list[AgentTool]:
        """Return the tools that Strands has for every sandbox: a shell and a file editor."""
        return [
            make_shell(sandbox=self, name="sandbox_shell"),
            make_file_editor(sandbox=self, name="sandbox_file_editor"),
        ]


def streamed(stdout: str, stderr: str) -> list[StreamChunk]:
    chunks = [StreamChunk(stdout, "stdout"), StreamChunk(stderr, "stderr")]
    return [chunk for chunk in chunks if chunk.data]


def output_files(result: Result) -> tuple[list[OutputFile], str]:
    """Return the figures, and a line about each that did not come from the workspace."""
    files: list[OutputFile] = []
    missing = ""
    for figure in result.figures:
        try:
            files.append(OutputFile(figure.name, figure.data, figure.mime_type))
        except CodeInterpreterError as error:
            missing += f"\n{figure.name} is there, but did not come: {error.message}"
    return files, missing
