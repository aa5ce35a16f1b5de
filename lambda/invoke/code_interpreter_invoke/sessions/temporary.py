"""The session of a request without a name: a sandbox of its own, stopped afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..clients import CodeInterpreterClient
from ..errors import (
    InvalidRequestError,
    NotStartedError,
    RequestError,
    SandboxGoneError,
    TimedOutError,
)
from ..sandbox.observer import Observer
from ..sandbox.sandbox import Sandbox
from .store import SessionOptions

if TYPE_CHECKING:
    from ..responses import Response


class TemporarySession:
    """A sandbox for one request.

    Files are saved under a generated name, which the response returns as `session`.
    """

    def __init__(
        self, name: str, code_interpreter: CodeInterpreterClient, options: SessionOptions
    ) -> None:
        self.name = name
        self._code_interpreter = code_interpreter
        self._options = options
        self._sandbox: Sandbox | None = None

    def sandbox(self) -> Sandbox:
        """Return the sandbox, which is started when it is first needed."""
        if self._sandbox is None:
            started = self._code_interpreter.start_session(
                client_token=str(uuid.uuid4()), name=self.name, **self._options
            )
            self._sandbox = Sandbox(self._code_interpreter, started.session_id)
        return self._sandbox

    def observed_sandbox(self) -> Sandbox:
        """Return the sandbox, with an observer in its kernel: one request more, if Python runs.

        :raises NotStartedError: if it cannot be prepared; the user's program has not been sent.
        """
        sandbox = self.sandbox()
        if sandbox.observer is None:
            try:
                sandbox.prepare(Observer.new())
            except NotStartedError:
                raise
            except RequestError as error:
                raise NotStartedError(
                    f"the sandbox could not be prepared: {error.message}",
                    retryable=not isinstance(error, InvalidRequestError),
                ) from error
        return sandbox

    def replace_sandbox(self, gone: SandboxGoneError) -> None:
        """Refuse: a request without a session has one sandbox."""
        raise gone

    def forget_uploads(self, _paths: Iterable[str]) -> None:
        """Do nothing: the sandbox has no uploads."""

    def stop_after_timeout(self, error: TimedOutError) -> TimedOutError:
        """Return the error as it is: the sandbox is stopped in any case."""
        return error

    def close(self) -> None:
        """Stop the sandbox, which no other request can use, so that it costs nothing further."""
        if self._sandbox is not None:
            try:
                self._code_interpreter.stop_session(self._sandbox.session_id)
            except RequestError:
                return  # it ends by itself when its time is up

    def describe(self, response: Response) -> Response:
        """Return the response with the session's name, under which the files were saved."""
        return response if self._sandbox is None else {**response, "session": self.name}
