"""A session's sandbox: the nine operations on one directory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agentcore_emulator.sandbox.environment import (
    Folders,
    describe_python,
    make_python,
    variables,
)
from agentcore_emulator.sandbox.operations.command import finish_command, start_command
from agentcore_emulator.sandbox.operations.files import Files
from agentcore_emulator.sandbox.operations.javascript import execute_javascript
from agentcore_emulator.sandbox.operations.kernel import PROGRAM, Kernel
from agentcore_emulator.sandbox.operations.tasks import Tasks
from agentcore_emulator.sandbox.results import Result, ToolError, failure, valid_text
from agentcore_emulator.sandbox.settings import SandboxSettings
from agentcore_emulator.sandbox.supervisor.messages import Configuration
from agentcore_emulator.sandbox.supervisor_client import (
    Supervisor,
    execute_guard,
    namespaces_available,
)
from agentcore_emulator.sandbox.template_client import Template, running_template

Arguments = dict[str, Any]

ENDED = "The sandbox has ended."

preparing = threading.Lock()


class LocalSandbox:
    """Runs the code, the commands and the file operations of one session.

    It belongs to the event loop in which it is started. A failure inside the sandbox is a result
    with `isError`, never an exception.
    """

    def __init__(
        self, folders: Folders, supervisor: Supervisor, kernel: Kernel, settings: SandboxSettings
    ) -> None:
        self._folders = folders
        self._supervisor = supervisor
        self._settings = settings
        self._kernel = kernel
        self._tasks = Tasks(supervisor, settings)
        self._files = Files(folders, settings)
        self._in_threads: set[asyncio.Future[Result]] = set()
        self._closing: asyncio.Task[None] | None = None
        self._operations: dict[str, Callable[[Arguments], Awaitable[Result]]] = {
            "executeCode": self._execute_code,
            "executeCommand": self._execute_command,
            "startCommandExecution": self._start_command,
            "getTask": self._get_task,
            "stopTask": self._stop_task,
            "readFiles": self._read_files,
            "writeFiles": self._write_files,
            "listFiles": self._list_files,
            "removeFiles": self._remove_files,
        }

    @classmethod
    async def start(cls, directory: Path, settings: SandboxSettings) -> LocalSandbox:
        """Start a sandbox in a directory that is empty or does not exist.

        The end of the sandbox removes the directory. An interpreter starts when an operation
        first needs it.

        :raises OSError: if the directory cannot be made or a program of the settings cannot run.
        """
        template = await asyncio.to_thread(prepare, settings)
        folders = Folders.make(directory, settings)
        try:
            make_python(folders, settings)
            start_guard = template.fork_guard if template else execute_guard
            supervisor = await Supervisor.start(
                supervisor_configuration(folders, settings), start_guard
            )
        except BaseException:
            folders.remove()
            raise
        kernel = Kernel(supervisor, folders, settings, is_in_memory=template is not None)
        return cls(folders, supervisor, kernel, settings)

    async def invoke(self, name: str, arguments: Arguments) -> Result:
        """Run an operation under the API's name and with the API's arguments.

        Operations may overlap; executions of Python wait for each other. Cancellation ends the
        operation's programs.
        """
        if self._ended:
            return failure(ENDED)
        try:
            return await self._operations[name](arguments)
        except ToolError as error:
            return failure(str(error))
        except OSError:
            if self._ended:  # its folders no longer exist
                return failure(ENDED)
            raise

    @property
    def _ended(self) -> bool:
        return self._closing is not None or not self._supervisor.alive

    def process_ids(self) -> list[int]:
        """Return the ids of the session's processes, including the supervisor's."""
        return self._supervisor.process_ids()

    async def close(self) -> None:
        """End the session; return when no process and no file of it is left."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._in_threads:
            await asyncio.wait(self._in_threads)
        await self._supervisor.close()
        await self._tasks.close()
        await self._kernel.close()
        self._files.close()

    async def _execute_code(self, arguments: Arguments) -> Result:
        code = valid_text(required(arguments, "code"))
        language, runtime = choose_language(arguments, self._settings)
        if language == "python":
            return await self._kernel.execute(
                code, clear_context=arguments.get("clearContext", False)
            )
        return await execute_javascript(
            self._supervisor,
            self._folders,
            self._settings,
            code,
            language=language,
            runtime=runtime,
        )

    async def _execute_command(self, arguments: Arguments) -> Result:
        command = required(arguments, "command")
        captured = await start_command(self._supervisor, command, self._settings)
        return await finish_command(captured, self._settings)

    async def _start_command(self, arguments: Arguments) -> Result:
        return await self._tasks.start(required(arguments, "command"))

    async def _get_task(self, arguments: Arguments) -> Result:
        return self._tasks.get(required(arguments, "taskId"))

    async def _stop_task(self, arguments: Arguments) -> Result:
        return await self._tasks.stop(required(arguments, "taskId"))

    async def _read_files(self, arguments: Arguments) -> Result:
        return await self._in_thread(self._files.read, required(arguments, "paths"))

    async def _write_files(self, arguments: Arguments) -> Result:
        return await self._in_thread(self._files.write, required(arguments, "content"))

    async def _list_files(self, arguments: Arguments) -> Result:
        folder = arguments.get("directoryPath") or arguments.get("path") or ""
        return await self._in_thread(self._files.list, folder)

    async def _remove_files(self, arguments: Arguments) -> Result:
        return await self._in_thread(self._files.remove, required(arguments, "paths"))

    async def _in_thread(self, operation: Callable[[Any], Result], argument: Any) -> Result:
        """Run a file operation. It cannot be cancelled, so that `close` waits for it."""
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(None, operation, argument)
        self._in_threads.add(future)
        future.add_done_callback(self._in_threads.discard)
        return await asyncio.shield(future)


def required(arguments: Arguments, name: str) -> Any:
    value = arguments.get(name)
    if value is None or value == []:
        raise ToolError(f"The argument '{name}' is missing or empty.")
    return value


def choose_language(arguments: Arguments, settings: SandboxSettings) -> tuple[str, str]:
    """Return the language and runtime of a request, which may omit either."""
    runtime = arguments.get("runtime")
    by_runtime = {"python": "python", "deno": "typescript", "nodejs": "javascript"}
    language = arguments.get("language") or by_runtime.get(runtime or "", settings.default_language)
    runtime = runtime or ("python" if language == "python" else "deno")
    if (language == "python") != (runtime == "python"):
        raise ToolError(f"The runtime '{runtime}' does not run {language}.")
    return language, runtime


def prepare(settings: SandboxSettings) -> Template | None:
    """Run the programs that sandboxes need once, unless they have run, and return the template.

    :raises OSError: if the interpreter does not run.
    """
    with preparing:
        describe_python(settings.python)
        return running_template(settings, PROGRAM) if has_namespaces(settings) else None


def has_namespaces(settings: SandboxSettings) -> bool:
    return namespaces_available() if settings.namespaces is None else settings.namespaces


def supervisor_configuration(folders: Folders, settings: SandboxSettings) -> Configuration:
    programs = [settings.deno.resolve()] if settings.deno else []
    if settings.node:
        programs.append(settings.node.resolve().parents[1])  # npm is in lib, beside bin
    return {
        "directory": str(folders.work),
        "environment": dict(variables(folders, settings)),
        "limits": {
            "memory": settings.memory_bytes,
            "file_size": settings.disk_bytes,
            "open_files": settings.open_files,
            "processes": settings.processes,
        },
        "disk": settings.disk_bytes,
        "namespaces": has_namespaces(settings),
        "writable": [str(folder) for folder in folders.writable],
        "temporary": str(folders.temporary),
        "needed": [
            str(path)
            for path in (
                folders.top,
                folders.sockets,
                *describe_python(settings.python).prefixes,
                *programs,
            )
        ],
        "hidden": [str(Path(path).expanduser()) for path in settings.hidden_folders],
        "remove": [str(folders.top), str(folders.sockets)],
    }
