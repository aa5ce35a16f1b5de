"""One session: its programs and commands, the files of its sandbox, and its workspace."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Final, Literal, Self

from . import transfers
from .errors import (
    CodeInterpreterError,
    FunctionUnavailable,
    InvalidRequest,
    TransferFailed,
    error_from,
)
from .function import Function, Response, new_key, takes_key
from .output import OnOutput, OutputReader
from .results import Result
from .running import BackgroundCommand, RunningProgram
from .session_names import check_session_name, new_session_name
from .transfers import Progress

if TYPE_CHECKING:
    from types import TracebackType

Language = Literal["python", "javascript", "typescript"]

UPLOADS: Final = "uploads"
SAVED: Final = "code-interpreter"
# The largest file that fits into a request of Lambda's 6 MB, in base64.
UPLOAD_BYTES: Final = 4_700_000
# Names the request of a command to the command's processes, so that an interrupt finds them.
REQUEST_VARIABLE: Final = "CODE_INTERPRETER_REQUEST"
# The end of the function's messages about a program in a named session that was interrupted.
KEPT: Final = "; its variables and files are kept"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A file or folder of the sandbox. Not every listing has sizes, in bytes."""

    name: str
    is_folder: bool
    size: int | None = None


@dataclass(frozen=True)
class WorkspaceFile:
    """A file of the workspace.

    `size` is in bytes, `last_modified` in ISO 8601. `problem` says why no tool can use the file.
    """

    path: str
    size: int
    last_modified: str
    problem: str | None = None


@dataclass(frozen=True)
class Transfer:
    """The files that were saved, loaded or deleted, and a warning for each that was not."""

    files: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SessionOptions:
    """The settings of a session's sandboxes: of the first one, and of all that replace it.

    :param timeout: The life of a sandbox from its start, in seconds, 1 to 28,800.
    :param setup: A shell command that prepares each sandbox, such as `pip install duckdb`.
    :param env: Environment variables for Python and for commands. They are stored as text, so that
        they are no place for secrets.
    """

    timeout: int | None = None
    setup: str | None = None
    env: Mapping[str, str] | None = None


class Session:
    """A session by its name: requests with the same name share a sandbox, variables and files.

    `with` stops a session that the client has named by itself; a warning in the log says if that
    fails. One with a name of yours goes on, until its sandbox's time is over or `stop` is called.
    """

    def __init__(
        self,
        function: Function,
        name: str,
        *,
        options: SessionOptions | None = None,
        stop_at_exit: bool = False,
    ) -> None:
        """Take a name, and start nothing.

        :raises InvalidRequest: if it is no name of a session
        """
        self.name = check_session_name(name)
        self._function = function
        self._options = options
        self._stop_at_exit = stop_at_exit

    def __enter__(self) -> Self:
        if self._options is not None:
            with ExitStack() as stack:
                stack.push(self)  # the sandbox can exist, also if its start fails or is interrupted
                self.start()
                stack.pop_all()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._stop_at_exit or isinstance(error, FunctionUnavailable):
            return
        try:
            self.stop()
        except CodeInterpreterError as failure:
            # The result of the block, or its own error, stands in any case.
            logger.warning(
                "the sandbox of the session %s was not stopped (%s), and ends by itself",
                self.name,
                type(failure).__name__,
            )

    def __repr__(self) -> str:
        return f"<Session {self.name}>"

    # Programs and commands.

    def run(
        self,
        code: str,
        *,
        language: Language = "python",
        output_filename: str | None = None,
        save_figures: bool = False,
        timeout: int | None = None,
        check: bool = True,
        key: str | None = None,
        on_output: OnOutput | None = None,
    ) -> Result:
        """Run a program, at most once, and return its result.

        Ctrl-C interrupts the program, too.

        :param language: python, javascript or typescript. Only Python keeps variables.
        :param output_filename: A file that the program writes, to save in the workspace.
        :param save_figures: Whether to save each figure in the workspace, too.
        :param timeout: The program's time limit, in seconds. Default: the function's time.
        :param check: Whether a program that fails or exceeds its time is an error.
        :param key: The idempotency key of an earlier request, to get its result.
        :param on_output: Called, in another thread, with a stream and a text of the program's
            output, each part once: while a Python program runs, after one second, and the
            rest when it has ended. The streams are stdout, stderr, display (the text of a displayed
            value) and traceback. Output of child processes that write to no stream of Python's
            comes at the end.
        :raises CodeFailed: if the program failed
        :raises TimedOut: if it was still running when its time was up
        :raises NotStarted: if it did not begin
        :raises OutcomeUnknown: if it may have run
        """
        return result_of(
            self.submit(
                code,
                language=language,
                output_filename=output_filename,
                save_figures=save_figures,
                timeout=timeout,
                check=check,
                key=key,
                on_output=on_output,
            )
        )

    def submit(
        self,
        code: str,
        *,
        language: Language = "python",
        output_filename: str | None = None,
        save_figures: bool = False,
        timeout: int | None = None,
        check: bool = True,
        key: str | None = None,
        on_output: OnOutput | None = None,
    ) -> RunningProgram:
        """Start a program as `run` does, and return while it runs."""
        key = new_key() if key is None else key
        arguments = {
            "code": code,
            "language": None if language == "python" else language,
            "output_filename": output_filename,
            "save_figures": save_figures or None,
            "timeout_seconds": timeout,
        }

        def send() -> Result:
            return self._run("execute_code", arguments, check=check, key=key)

        def read_output(offset: int) -> Response:
            return self.request("read_output", idempotency_key=key, offset=offset)

        reader = None
        if on_output is not None:
            reader = OutputReader(on_output, read_output if language == "python" else None)
        return RunningProgram(
            send if reader is None else partial(reader.run, send),
            lambda: self.interrupt(key),
            key,
        )

    def interrupt(self, key: str) -> bool:
        """Interrupt the Python program whose request has an idempotency key, as Ctrl-C does.

        :return: Whether there was one to interrupt.
        """
        return bool(self.request("interrupt", idempotency_key=key)["interrupted"])

    def command(
        self,
        command: str,
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: int | None = None,
        check: bool = True,
        key: str | None = None,
    ) -> Result:
        """Run a shell command, at most once, and return its result.

        Ctrl-C interrupts the command, too.

        :param cwd: The folder to run it in. Default: the working directory.
        :param env: Environment variables for the command.
        :param timeout: The command's time limit, 1 to 900 seconds. Default: the function's time.
        :param check: Whether a command that fails or exceeds its time is an error.
        :param key: The idempotency key of an earlier request, to get its result.
        :raises CodeFailed: if the command failed
        :raises TimedOut: if it was ended because its time was up
        """
        return result_of(
            self.submit_command(command, cwd=cwd, env=env, timeout=timeout, check=check, key=key)
        )

    def submit_command(
        self,
        command: str,
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: int | None = None,
        check: bool = True,
        key: str | None = None,
    ) -> RunningProgram:
        """Start a shell command as `command` does, and return while it runs.

        The command has the variable CODE_INTERPRETER_REQUEST, by which an interrupt finds it.
        """
        key = new_key() if key is None else key
        request = hashlib.sha256(key.encode()).hexdigest()[:32]
        arguments = {
            # A shell of its own, so that it has the variable in its environment, too.
            "command": f"exec bash -c {shlex.quote(command)}",
            "cwd": cwd,
            "env": {**(env or {}), REQUEST_VARIABLE: request},
            "timeout_seconds": timeout,
        }
        return RunningProgram(
            lambda: self._run("execute_command", arguments, check=check, key=key),
            lambda: self._interrupt_command(request),
            key,
        )

    def _interrupt_command(self, request: str) -> bool:
        """Send SIGINT to the processes of a command, and return whether there were some."""
        interrupt = (
            f"kill -INT $(grep -ls '{REQUEST_VARIABLE}={request}' /proc/[0-9]*/environ"
            " | cut -d/ -f3)"
        )
        return self._run("execute_command", {"command": interrupt}, check=False, key=new_key()).ok

    def background(self, command: str, *, key: str | None = None) -> BackgroundCommand:
        """Start a shell command that may run for up to eight hours, at most once.

        :param key: The idempotency key of an earlier request, to get its command.
        """
        started = self.request(
            "invoke_code_interpreter",
            key=key,
            name="startCommandExecution",
            arguments={"command": command},
        )
        task_id = started["structuredContent"]["taskId"]
        return BackgroundCommand(
            task_id,
            lambda: self._task(task_id),
            lambda: self._stop_task(task_id),
            lambda response, check: self._task_result(response, check=check),
        )

    def _run(self, tool: str, arguments: Mapping[str, Any], *, check: bool, key: str) -> Result:
        response = self._function.request(tool, arguments, session=self.name, key=key)
        return self._result(response, check=check, key=key)

    def _result(self, response: Response, *, check: bool, key: str | None) -> Result:
        response = self._whole(response)
        result = Result.from_response(response, key, self.load)
        if not result.ok:
            error = error_from(response, result)
            if check or not hasattr(error, "result"):
                raise error
        return result

    def _whole(self, response: Response) -> Response:
        """Return the response, or the one that was too large for Lambda and is in the workspace.

        A response that cannot be fetched is as good as it came: the code has run.
        """
        path = response.get("full_response")
        if path is None:
            return response
        try:
            return {**json.loads(self.load(path)), "full_response": path}
        except CodeInterpreterError as error:
            warning = f"the whole response did not come: {error.message}"
            return {**response, "warnings": [*response.get("warnings", ()), warning]}

    # Files of the sandbox.

    def read(self, path: str) -> bytes:
        """Return a file of the sandbox.

        :raises NotFound: if there is no such file
        :raises InvalidRequest: if it is larger than a few megabytes: `push` it and `download` it
        """
        [file] = self.request("file_operations", operation="read", paths=[path])["files"]
        return bytes_of(file)

    def write(self, path: str, content: bytes | str) -> None:
        """Write a file of the sandbox, of up to about 4 MB: `upload` larger ones."""
        body = content.encode() if isinstance(content, str) else content
        block = {"path": path, "blob": base64.b64encode(body).decode()}
        self.request("file_operations", operation="write", content=[block])

    def list(self, path: str = ".") -> Sequence[Entry]:
        """Return the files and folders in a folder of the sandbox.

        :raises NotFound: if there is no such folder
        """
        entries = self.request("file_operations", operation="list", paths=[path])["entries"]
        return [
            Entry(entry["name"], entry["type"] == "directory", entry.get("size"))
            for entry in entries
        ]

    def remove(self, *paths: str) -> None:
        """Remove files of the sandbox, if any are named.

        :raises NotFound: if one of them does not exist
        """
        if not paths:
            return
        self.request("file_operations", operation="remove", paths=list(paths))

    # Between the sandbox and the workspace.

    def push(self, *paths: str) -> Transfer:
        """Save files and folders of the sandbox in the workspace.

        :param paths: Default: every file directly in the working directory.
        """
        response = self.request("ci_push_to_workspace", paths=list(paths) or None)
        return transfer_of(response, "files_saved")

    def pull(self, *paths: str) -> Transfer:
        """Copy files of the workspace into the sandbox.

        :param paths: Default: everything that was saved.
        """
        response = self.request("ci_pull_from_workspace", paths=list(paths) or None)
        return transfer_of(response, "files_loaded")

    # The workspace.

    def ls(self, path: str = "") -> Sequence[WorkspaceFile]:
        """Return the files of the workspace, or of a folder in it."""
        return tuple(self._workspace_files(path))

    def _workspace_files(self, path: str) -> Iterator[WorkspaceFile]:
        token: str | None = None
        while True:
            page = self.request("workspace_list", path=path or None, next_token=token)
            for file in page["files"]:
                yield WorkspaceFile(
                    file["path"], file["size"], file["last_modified"], file.get("problem")
                )
            token = page.get("next_token")
            if token is None:
                return

    def upload(
        self, source: str | Path, name: str | None = None, *, progress: Progress | None = None
    ) -> str:
        """Put a file into the workspace, from where each sandbox of the session gets it.

        :param source: The file, of up to 5 GiB. Where the network is sealed, the function signs no
            links, and takes up to 4.7 MB.
        :param name: Its name in the sandbox's working directory. Default: the file's own.
        :param progress: Called with the bytes sent so far, and all bytes.
        :return: The file's path in the workspace.
        :raises InvalidRequest: if it is not a regular file, or its name is not allowed
        :raises TransferFailed: if it did not arrive
        """
        source = Path(source)
        path = f"{UPLOADS}/{source.name if name is None else name}"
        size = source.stat().st_size
        if not source.is_file():
            raise InvalidRequest(f"{source} is not a regular file; upload_folder uploads a folder")
        try:
            transfers.upload(source, size, lambda: self._link(path, "upload", size), progress)
        except InvalidRequest as refusal:
            if not refuses_links(refusal):
                raise
            self._upload_through_function(source, size, path, progress, refusal)
        return path

    def upload_folder(self, source: str | Path, name: str = "") -> Sequence[str]:
        """Upload all files below a folder, several at once.

        :param name: The folder in the sandbox's working directory. Default: the working directory.
        :return: The files' paths in the workspace.
        :raises InvalidRequest: if it is not a folder
        """
        source = Path(source)
        if not source.is_dir():
            raise InvalidRequest(f"{source} is not a folder; name a folder that exists")
        files = sorted(file for file in source.rglob("*") if file.is_file())
        names = [str(PurePosixPath(name, file.relative_to(source).as_posix())) for file in files]
        return transfers.upload_all(self.upload, list(zip(files, names, strict=True)))

    def download(
        self,
        path: str,
        target: str | Path | None = None,
        *,
        progress: Progress | None = None,
    ) -> Path:
        """Write a file of the workspace to this machine, whole or not at all.

        :param path: The file, such as code-interpreter/chart.png. A name without a folder is that
            of a saved file.
        :param target: The file to write, or a folder for it, which is there or ends with a slash.
            Default: the current folder.
        :param progress: Called with the bytes received so far, and all bytes if they are known.
        :return: The file that was written.
        :raises NotFound: if there is no such file
        :raises TransferFailed: if it did not come whole
        """
        path = in_workspace(path)
        written = Path(target) if target is not None else Path()
        if written.is_dir() or str(target).endswith("/"):
            written = written / PurePosixPath(path).name
        transfers.download(written, self._receiving(path, progress))
        return written

    def load(self, path: str) -> bytes:
        """Return the bytes of a file of the workspace."""
        path = in_workspace(path)
        return transfers.read(self._receiving(path))

    def delete(self, *paths: str) -> Transfer:
        """Delete files of the workspace, if any are named. The sandbox keeps its own copies."""
        if not paths:
            return Transfer(())
        response = self.request("workspace_delete", paths=[in_workspace(path) for path in paths])
        return transfer_of(response, "files_deleted")

    def _link(self, path: str, direction: str, size: int | None = None) -> Response:
        return self.request("workspace_link", path=path, direction=direction, size=size)

    def _upload_through_function(
        self,
        source: Path,
        size: int,
        path: str,
        progress: Progress | None,
        refusal: InvalidRequest,
    ) -> None:
        """Put a file into the workspace in a request, where the function signs no link."""
        if size > UPLOAD_BYTES:
            raise InvalidRequest(
                f"{source} has {size} bytes, but without a link the function takes at most "
                f"{UPLOAD_BYTES}: split the file, or allow links ({refusal.message})",
                response=refusal.response,
            ) from refusal
        with source.open("rb") as file:
            body = transfers.Beginning(file, source.name, size, progress).read(size)
        content = base64.b64encode(body).decode()
        self.request("workspace_write", path=path, content=content, encoding="base64")

    def _receiving(self, path: str, progress: Progress | None = None) -> transfers.Receive:
        """Return a function that writes a file of the workspace into an open file."""

        def receive(file: IO[bytes]) -> None:
            try:
                transfers.receive_by_link(
                    file, path, lambda: self._link(path, "download"), progress
                )
            except InvalidRequest as refusal:
                if not refuses_links(refusal):
                    raise
                self._receive_through_function(file, path, progress)

        return receive

    def _receive_through_function(
        self, file: IO[bytes], path: str, progress: Progress | None
    ) -> None:
        """Write a file of the workspace in parts of responses, where the function signs no link."""
        offset: int | None = 0
        size: int | None = None
        while offset is not None:
            part = self.request("workspace_read", path=path, offset=offset)
            if size not in (None, part["size"]):
                raise TransferFailed(
                    f"{path} has changed while it was read; repeat the request", retryable=True
                )
            size = part["size"]
            file.write(bytes_of(part))
            if progress is not None:
                progress(file.tell(), size)
            offset = part.get("next_offset")

    # The session itself.

    def start(self) -> Response:
        """Start the session's sandbox with the session's options, unless it runs."""
        options = self._options or SessionOptions()
        return self.request(
            "start_session",
            session_timeout_seconds=options.timeout,
            setup=options.setup,
            env=None if options.env is None else dict(options.env),
        )

    def describe(self) -> Response:
        """Return what the service knows of the session's sandbox."""
        return self.request("get_session")

    def stop(self) -> bool:
        """Stop the sandbox, and return whether there was one. The workspace is kept."""
        return bool(self.request("stop_session")["stopped"])

    # Tools of the function by their names.

    def request(self, tool: str, *, key: str | None = None, **arguments: Any) -> Response:
        """Use a tool of the function, and return its response.

        :param key: The idempotency key. Default: a new one for a request that may change something.
        :raises CodeInterpreterError: if the response is an error
        """
        if key is None and takes_key(tool, arguments):
            key = new_key()
        response = self._function.request(tool, arguments, session=self.name, key=key)
        if "error" in response:
            raise error_from(response, Result.from_response(response, key, self.load))
        return self._whole(response)

    def operation(self, operation: str, **arguments: Any) -> Response:
        """Use an operation of the API InvokeCodeInterpreter, and return the response."""
        return self.request("invoke_code_interpreter", name=operation, arguments=arguments)

    def _task(self, task_id: str) -> Response:
        """Return the response with the state of a background command, as the API has it."""
        arguments = {"name": "getTask", "arguments": {"taskId": task_id}}
        response = self._function.request("invoke_code_interpreter", arguments, session=self.name)
        if "taskStatus" not in response.get("structuredContent", {}):
            raise error_from(response, Result.from_response(response, None, self.load))
        return response

    def _task_result(self, response: Response, *, check: bool) -> Result:
        """Return the result of a background command that has ended."""
        response = self._whole(response)
        state = response["structuredContent"]
        members: Response = {
            **{name: response[name] for name in ("truncated", "warnings") if name in response},
            "status": "ok",
            "stdout": state.get("stdout", ""),
            "stderr": state.get("stderr", ""),
            "exit_code": state.get("exitCode"),
            "execution_time": state.get("executionTime"),
        }
        if state["taskStatus"] != "completed" or state.get("exitCode"):
            members["status"] = "error"
            members["error"] = {
                "type": "CodeFailed",
                "message": f"the command ended with the status {state['taskStatus']} and the exit "
                f"code {state.get('exitCode')}",
                "retryable": False,
            }
        return self._result(members, check=check, key=None)

    def _stop_task(self, task_id: str) -> None:
        """End a background command, if it runs.

        :raises CodeInterpreterError: if the request failed
        """
        response = self._function.request(
            "invoke_code_interpreter",
            {"name": "stopTask", "arguments": {"taskId": task_id}},
            session=self.name,
        )
        # The service refuses to stop a command that has ended.
        if response.get("error", {}).get("type") not in (None, "CodeFailed", "NotFound"):
            raise error_from(response, Result.from_response(response, None, self.load))


class TemporarySession(Session):
    """A session for a single program. `with` stops it, and nothing but its workspace is kept."""

    def __init__(self, function: Function) -> None:
        super().__init__(function, new_session_name(), stop_at_exit=True)

    def _whole(self, response: Response) -> Response:
        """Return the response; the function cannot know that the sandbox will be stopped."""
        response = super()._whole(response)
        if "error" not in response:
            return response
        message = response["error"]["message"].removesuffix(KEPT)
        return {**response, "error": {**response["error"], "message": message}}


def result_of(program: RunningProgram) -> Result:
    """Return the result of a program, which Ctrl-C interrupts."""
    try:
        return program.result()
    except KeyboardInterrupt:
        with suppress(CodeInterpreterError):  # Ctrl-C is to end the caller in any case
            program.interrupt()
        raise


def transfer_of(response: Response, member: str) -> Transfer:
    return Transfer(tuple(response[member]), tuple(response.get("warnings", ())))


def refuses_links(refusal: InvalidRequest) -> bool:
    """Tell whether a deployment signs no links, whatever the file is."""
    return bool(refusal.response.get("links_refused"))


def bytes_of(file: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file in a response, which has them as text or in base64."""
    content: str = file["content"]
    return base64.b64decode(content) if file["encoding"] == "base64" else content.encode()


def in_workspace(path: str) -> str:
    """Return a path in the workspace: a name without a folder is that of a saved file."""
    return path if "/" in path else f"{SAVED}/{path}"
