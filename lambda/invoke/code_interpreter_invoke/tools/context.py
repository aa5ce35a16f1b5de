"""A tool's access to the session's sandbox, the workspace and the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ..clients import CodeInterpreterClient
from ..errors import SandboxGoneError, TimedOutError
from ..files.workspace import Workspace
from ..sandbox.command_lines import check_command_line, with_environment
from ..sandbox.observer import Program
from ..sandbox.results import Result
from ..sandbox.sandbox import Sandbox
from ..sessions.named import NamedSession
from ..sessions.temporary import TemporarySession

if TYPE_CHECKING:
    from ..responses import Response
    from ..sessions.spare import Spare

T = TypeVar("T")

INTERRUPTED = "the time was up and the code was interrupted"


class ToolContext:
    """The sandbox, the workspace and the clients of one request.

    No sandbox is started before a tool needs it.
    """

    def __init__(
        self,
        session: NamedSession | TemporarySession,
        workspace: Workspace,
        code_interpreter: CodeInterpreterClient,
        share_of_limit: Callable[[Response], float],
        request_id: str,
        find_program: Callable[[str], Program | None],
        spare: Spare | None = None,
    ) -> None:
        """Take the parts.

        :param share_of_limit: Returns the part of the caller's limit that a response takes.
        :param request_id: Names the request's program to a request that interrupts it.
        :param find_program: Returns the Python program whose request has an idempotency key.
        :param spare: The warm spare, if there is to be one.
        """
        self._request_id = request_id
        self.find_program = find_program
        self.session = session
        self.workspace = workspace
        self.code_interpreter = code_interpreter
        self.share_of_limit = share_of_limit
        self._spare = spare

    def interrupted(self, **members: Any) -> TimedOutError:
        """Return the error for a program that was interrupted when its time was up."""
        is_kept = isinstance(self.session, NamedSession)
        kept = "; its variables and files are kept" if is_kept else ""
        return TimedOutError(f"{INTERRUPTED}{kept}", **members)

    @property
    def named_session(self) -> NamedSession:
        """The session of a tool that needs one: the request was refused without it."""
        assert isinstance(self.session, NamedSession)
        return self.session

    def session_name(self, session_id: str, name: str) -> str:
        """Return the name of a sandbox's session; the service knows spares by another one."""
        return name if self._spare is None else self._spare.session_name(session_id, name)

    def run_once(
        self, operation: str, arguments: Mapping[str, Any], timeout: float | None = None
    ) -> Result:
        """Run an operation of the user's, at most once.

        :param timeout: Seconds; None for all the time that the function has.
        :raises TimedOutError: if it gave no result in time. Code that cannot be interrupted runs
            until its sandbox stops and would block the next request, so the sandbox is stopped.
        """
        check_command_line(arguments.get("command", ""))  # before a sandbox is started

        def run(sandbox: Sandbox) -> Result:
            if operation == "executeCode":
                return sandbox.execute_code(arguments, timeout=timeout, request_id=self._request_id)
            return sandbox.invoke(operation, dict(arguments), timeout=timeout)

        if operation in ("executeCode", "executeCommand"):
            return self._run_or_stop(run)
        return self.in_live_sandbox(run)

    def run_code(self, arguments: Mapping[str, Any], timeout: float | None) -> Result:
        """Run a program of the user's, at most once, and observe it if it is one in Python."""
        if arguments["language"] == "python":
            self.in_live_sandbox(lambda _sandbox: self.session.observed_sandbox())
        return self.run_once("executeCode", arguments, timeout)

    def run_command(
        self,
        command: str,
        timeout: float | None,
        line_of: Callable[[str], str] = lambda command: command,
    ) -> Result:
        """Run a command of the user's, at most once, with the session's environment variables.

        :param line_of: Returns the command line that runs a command. It may begin with a program of
            ours, which the session's variables must not reach: PATH may be one of them.
        """
        check_command_line(line_of(command))

        def run(sandbox: Sandbox) -> Result:
            line = line_of(with_environment(command, None, sandbox.environment))
            return sandbox.invoke("executeCommand", {"command": line}, timeout=timeout)

        return self._run_or_stop(run)

    def _run_or_stop(self, run: Callable[[Sandbox], Result]) -> Result:
        """Run code, and stop the sandbox if the code has not ended in time."""

        def run_in(sandbox: Sandbox) -> Result:
            try:
                return run(sandbox)
            except TimedOutError as error:
                raise self.session.stop_after_timeout(error) from None

        return self.in_live_sandbox(run_in)

    def in_live_sandbox(self, work: Callable[[Sandbox], T]) -> T:
        """Do work in the session's sandbox, or in its replacement if it has ended.

        A sandbox that has ended runs nothing of the work. The cached record and the stored one may
        each name a sandbox that has ended, so work is begun up to three times.
        """
        for _ in range(2):
            try:
                return work(self.session.sandbox())
            except SandboxGoneError as gone:
                self.session.replace_sandbox(gone)
        return work(self.session.sandbox())
