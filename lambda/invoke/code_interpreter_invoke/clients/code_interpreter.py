"""The data plane of one code interpreter."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from botocore.eventstream import InvalidPayloadLength
from botocore.exceptions import BotoCoreError, ClientError, EventStreamError
from urllib3.exceptions import HTTPError

from ..deadline import Deadline
from ..errors import (
    CodeFailedError,
    InvalidRequestError,
    NotFoundError,
    NotStartedError,
    OutcomeUnknownError,
    RequestError,
    SandboxGoneError,
    ThrottledError,
    TimedOutError,
)
from .background import in_background
from .botocore_clients import LONGEST_INVOCATION, Clients
from .current_id import CurrentId
from .errors import error_text, refusal
from .time_limit import TimeLimit

# Seconds that a stream may take to end after its last result.
STREAM_END_GRACE = 2.0
# Seconds between two attempts that the service refuses for now, seconds that all attempts may take,
# and seconds that must be left for the last one.
FIRST_PAUSE = 0.2
MAX_PAUSE = 5.0
MAX_WAIT = 60.0
MIN_TIME_LEFT = 1.0
# The largest page of ListCodeInterpreterSessions in the API model.
MAX_PAGE_SIZE = 100


# The operations that only read, and the way to read what is too large for a result.
READS = {
    "readFiles": (
        "read fewer files at once, or save a large file with ci_push_to_workspace and read it with "
        "workspace_read, from offset to offset"
    ),
    "listFiles": "list its subfolders, or list it with a command into a file",
    "getTask": "let the command write large output to a file",
}


# Words for users' operations in messages.
SUBJECTS = {"executeCode": "the code", "executeCommand": "the command"}


class StartedSession(NamedTuple):
    session_id: str
    created_at: datetime


class CodeInterpreterClient:
    """One code interpreter, for one request to the function."""

    def __init__(
        self,
        clients: Clients,
        current_id: CurrentId,
        deadline: Deadline,
        owner: str,
        trace: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Take the parts.

        :param owner: Ends the names of the sessions that are started here, after a hyphen. Other
            functions may use the code interpreter, too.
        :param trace: The API's trace members, for the operations that take them.
        """
        self._agentcore_single_attempt = clients.agentcore_single_attempt
        self._agentcore = clients.agentcore
        self._current_id = current_id
        self._deadline = deadline
        self._suffix = f"-{owner}"
        self._trace = trace
        self.sandboxes_started = 0

    def seconds_for(self, part: float) -> float:
        """Return the seconds that work may take which may use a part of the response's time."""
        reserve = self._deadline.response_reserve
        return max(self._deadline.remaining() - reserve, 0) + reserve * part

    @property
    def identifier(self) -> str:
        """The code interpreter's id."""
        return self._current_id.value

    def look_up_identifier(self) -> bool:
        """Return whether the code interpreter was replaced; its replacement is used from now on."""
        try:
            looking_up = in_background(self._current_id.look_up)
            return looking_up.result(self._deadline.remaining_for_requests())
        except TimeoutError:
            return False

    def start_session(self, *, client_token: str, name: str, **options: Any) -> StartedSession:
        """Start a session. The service returns the same session for the same token."""
        response = self._in_current(
            "Starting a session",
            self._agentcore.start_code_interpreter_session,
            clientToken=client_token,
            name=name + self._suffix,
            **self._trace,
            **options,
        )
        self.sandboxes_started += 1
        return StartedSession(response["sessionId"], response["createdAt"])

    def stop_session(self, session_id: str) -> None:
        """Stop a session. Do nothing if it has already ended."""
        try:
            self._repeated(
                "Stopping the session",
                self._agentcore.stop_code_interpreter_session,
                sessionId=session_id,
                **self._trace,
            )
        except NotFoundError:
            return

    def get_session(self, session_id: str) -> dict[str, Any]:
        """Return the response of GetCodeInterpreterSession.

        :raises NotFoundError: if there is no such session
        """
        return self._repeated(
            "Looking up the session",
            self._agentcore.get_code_interpreter_session,
            sessionId=session_id,
        )

    def own_sessions(self, status: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the name and the summary of each session of the owner.

        A page has those of all owners. Its token may name the last of them, so it stays here.
        """
        arguments: dict[str, Any] = {"status": status} if status else {}
        while True:
            page = self._in_current(
                "Listing the sessions",
                self._agentcore.list_code_interpreter_sessions,
                maxResults=MAX_PAGE_SIZE,
                **arguments,
            )
            for item in page["items"]:
                name = item.get("name", "")
                if name.endswith(self._suffix):
                    yield name.removesuffix(self._suffix), item
            if not page.get("nextToken"):
                return
            arguments["nextToken"] = page["nextToken"]

    def _in_current(self, doing: str, operation: Any, **arguments: Any) -> dict[str, Any]:
        """Send an operation, and send it to the replacement if the code interpreter is gone."""
        try:
            return self._repeated(doing, operation, **arguments)
        except NotFoundError:
            if not self.look_up_identifier():
                raise
            return self._repeated(doing, operation, **arguments)

    def _repeated(self, doing: str, operation: Any, **arguments: Any) -> dict[str, Any]:
        """Send an operation that is safe to repeat; botocore repeats it."""
        arguments["codeInterpreterIdentifier"] = self.identifier
        try:
            with TimeLimit(self._deadline.remaining_for_requests()):
                response: dict[str, Any] = operation(**arguments)
        except (ClientError, BotoCoreError, HTTPError, TimeoutError) as error:
            raise refusal(error, doing, NotFoundError) or NotStartedError(
                f"{doing}: {error_text(error)}"
            ) from None
        return response

    def invoke(
        self,
        session_id: str,
        name: str,
        arguments: dict[str, Any],
        *,
        timeout: float | None = None,
        repeatable: bool = False,
        on_timeout: Callable[[], float] | None = None,
        is_last: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """Run an operation in a session and yield the results of its stream, at least one.

        The operation runs at most once, unless it is `repeatable`: running it again does no harm.
        If the service refuses it because of a rate or a quota, such as that of requests to one
        session at once, it is sent again for up to `MAX_WAIT` seconds.

        :param timeout: Seconds; None for the function's whole time.
        :param on_timeout: Called when the time is up; returns the seconds to wait further.
        :param is_last: Whether the operation may take the time that is kept for the response.
        """
        left = self._deadline.remaining() - self._deadline.response_reserve - MIN_TIME_LEFT
        waiting = Deadline(0 if is_last else min(left, MAX_WAIT))
        pause = FIRST_PAUSE
        while True:
            try:
                yield from self._invoke_once(
                    session_id, name, arguments, timeout, repeatable, on_timeout, is_last
                )
                return
            except ThrottledError:
                if waiting.remaining() < pause:
                    raise
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - not for secrets
            pause = min(pause * 2, MAX_PAUSE)

    def _invoke_once(
        self,
        session_id: str,
        name: str,
        arguments: dict[str, Any],
        timeout: float | None,
        repeatable: bool,
        on_timeout: Callable[[], float] | None,
        is_last: bool,
    ) -> Iterator[dict[str, Any]]:
        client = self._agentcore if repeatable else self._agentcore_single_attempt
        left = self._deadline.remaining() - (0 if is_last else self._deadline.response_reserve)
        if left <= 0:
            raise NotStartedError(f"{name} was not sent: no time is left for it")
        limit = TimeLimit(min(left, LONGEST_INVOCATION if timeout is None else timeout), on_timeout)
        result: dict[str, Any] | None = None
        try:
            with limit:
                response = client.invoke_code_interpreter(
                    codeInterpreterIdentifier=self.identifier,
                    sessionId=session_id,
                    name=name,
                    arguments=arguments,
                    **self._trace,
                )
            # Only a stream that was read to its end leaves its connection to the next request.
            with closing(response["stream"]) as stream:
                for event in stream:
                    if "result" in event:
                        result = event["result"]
                        if is_final(name, result):
                            limit.restart(STREAM_END_GRACE)
                        yield result
        except Exception as error:
            # The stream broke or did not end after the last result.
            if result is not None and is_final(name, result) and not isinstance(error, ClientError):
                return
            raise failure(name, error, limit, is_first=result is None) from None
        if result is None:
            raise OutcomeUnknownError(
                f"{name}: the response ended without a result; it may have run"
            )


def failure(name: str, error: Exception, limit: TimeLimit, *, is_first: bool) -> RequestError:
    """Return the error for an operation whose stream failed.

    :param is_first: Whether no result had come yet.
    """
    refused = refusal(error, name, SandboxGoneError) if is_first else None
    if refused:
        return refused
    if is_too_large(error):
        return too_large(name)
    if limit.is_reached or isinstance(error, TimeoutError):
        subject = SUBJECTS.get(name, name)
        return TimedOutError(f"{subject} gave no result within {limit.seconds:.0f} seconds")
    return OutcomeUnknownError(f"{name}: {error_text(error)}; whether it ran is not known")


def is_too_large(error: Exception) -> bool:
    """Tell whether a result was too large to receive.

    botocore takes events of up to 24 MB. How the service itself refuses to send a larger one is not
    documented: an exception in the stream that speaks of the result's size is taken for it.
    """
    if isinstance(error, EventStreamError):
        text = error_text(error).lower()
        return "quota" in text and "result" in text and "large" in text
    return isinstance(error, InvalidPayloadLength)


def too_large(name: str) -> RequestError:
    """Return the error for a result that is too large to receive.

    An operation that only reads has changed nothing; every other operation has run.
    """
    if name in READS:
        return InvalidRequestError(f"{name}: its result is too large to receive; {READS[name]}")
    return CodeFailedError(
        f"{name} ran, but its output is too large to receive; write large output to a file"
    )


def is_final(name: str, result: dict[str, Any]) -> bool:
    """Tell whether no further result follows: the last result of a program has its exit code."""
    if name in ("executeCode", "executeCommand"):
        return "exitCode" in (result.get("structuredContent") or {})
    return True
