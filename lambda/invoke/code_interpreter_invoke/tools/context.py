"""One call: what its tool works with, and the sandbox it gets when it first needs one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, MutableMapping
from typing import Any, TypeVar

from ..clients import Bucket, Clients, CodeInterpreterClient
from ..deadline import Deadline
from ..errors import CallError, InvalidRequestError, SessionGoneError, TimedOutError
from ..files.workspace import Workspace
from ..requests.request import Request
from ..sandbox.results import Result
from ..sandbox.sandbox import Sandbox
from ..sessions.named import Session
from ..sessions.store import Record, Records, Stored
from ..settings import Settings

T = TypeVar("T")

# In bytes; commands longer than about 128 KB have been seen to hang without an error.
LONGEST_COMMAND = 120_000


class Call:
    """The tools' view of the function. Nothing is started before a tool asks for the sandbox."""

    def __init__(
        self,
        request: Request,
        *,
        settings: Settings,
        clients: Clients,
        deadline: Deadline,
        cache: MutableMapping[str, Stored],
        fits: Callable[[dict[str, Any]], bool],
    ) -> None:
        """`cache` holds the session records seen by earlier calls."""
        # A call without a session keeps the files it saves under a name that its answer tells.
        self.name = request.session or f"call-{uuid.uuid4().hex}"
        self.interpreter = CodeInterpreterClient(
            clients, settings.code_interpreter_id, deadline, request.trace
        )
        self.bucket = Bucket(clients, settings.workspace_bucket, deadline)
        self.workspace = Workspace(self.bucket, settings.workspace_prefix, self.name)
        self._options = {"sessionTimeoutSeconds": settings.session_timeout_seconds}
        self._session: Session | None = None
        if request.session is not None:
            self._session = Session(
                request.session,
                records=Records(self.bucket),
                interpreter=self.interpreter,
                workspace=self.workspace,
                deadline=deadline,
                options=self._options,
                cache=cache,
            )
        self._sandbox: Sandbox | None = None
        self._fits = fits

    @property
    def session(self) -> Session:
        """The session of a tool that needs one."""
        if self._session is None:
            raise AssertionError("the tool does not need a session")
        return self._session

    @property
    def sandbox(self) -> Sandbox:
        """The call's sandbox: the session's, or one for this call alone."""
        if self._sandbox is not None:
            return self._sandbox
        return self._use(self._start_fresh() if self._session is None else self._session.ready())

    def _use(self, record: Record) -> Sandbox:
        self._sandbox = Sandbox(self.interpreter, record.session_id, record.own_entries)
        return self._sandbox

    def _start_fresh(self) -> Record:
        started = self.interpreter.start_session(
            client_token=str(uuid.uuid4()), name=self.name, **self._options
        )
        return Record(session_id=started.session_id)

    def attempt(self, work: Callable[[Sandbox], T]) -> T:
        """Do work in a sandbox that is ready for it.

        Only if the sandbox turns out to have ended, and so has run nothing, is it replaced and the
        work done in its place.
        """
        try:
            return work(self.sandbox)
        except SessionGoneError:
            if self._session is None:
                raise
            return work(self._use(self._session.ready(self.sandbox.session_id)))

    def run(self, name: str, arguments: dict[str, Any], timeout: float | None = None) -> Result:
        """Send the call's own operation, which runs at most once; `timeout` is in seconds."""
        size = len(arguments.get("command", "").encode())
        if size > LONGEST_COMMAND:
            raise InvalidRequestError(
                f"the command has {size} bytes as it is sent and may have {LONGEST_COMMAND}; "
                "write it to a file and run that"
            )
        return self.attempt(lambda sandbox: self._run(sandbox, name, arguments, timeout))

    def _run(
        self, sandbox: Sandbox, name: str, arguments: dict[str, Any], timeout: float | None
    ) -> Result:
        try:
            return sandbox.invoke(name, arguments, timeout=timeout)
        except TimedOutError as failure:
            if self._session is None or name not in ("executeCode", "executeCommand"):
                raise
            # Running code ends with its session and not before, and the next call would wait for
            # it.
            try:
                self._session.discard(sandbox.session_id, replaces=True)
            except CallError:
                raise failure from None
            raise TimedOutError(
                f"{failure.message}; the sandbox was stopped, since the code was still running in "
                "it: its variables and unsaved files are lost"
            ) from None

    def finish(self) -> None:
        """Stop a sandbox nobody can use again, so that nothing is left to pay for."""
        if self._session is None and self._sandbox is not None:
            try:
                self.interpreter.stop_session(self._sandbox.session_id)
            except CallError:
                return  # it ends by itself when its time is up

    def fits(self, answer: dict[str, Any]) -> bool:
        """Whether the caller can take the answer whole."""
        return self._fits(self.describe(answer))

    def describe(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer with what is to be said about the session."""
        if self._session is None:
            return answer if self._sandbox is None else {**answer, "session": self.name}
        told: dict[str, Any] = {**answer, "session": self.name}
        if self._sandbox is not None:
            told["session_id"] = self._sandbox.session_id
        if self._session.restarted:
            told["session_restarted"] = True
        if self._session.warnings:
            told["warnings"] = [*self._session.warnings, *answer.get("warnings", ())]
        return told
