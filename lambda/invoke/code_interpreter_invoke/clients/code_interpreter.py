"""The data plane of one code interpreter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from botocore.eventstream import InvalidPayloadLength
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from ..deadline import Background, Deadline
from ..errors import (
    NotFoundError,
    NotStartedError,
    OutcomeUnknownError,
    SessionGoneError,
    TimedOutError,
)
from .botocore_clients import LONGEST_INVOCATION, Clients
from .errors import error_text, refusal

# How long a stream that has delivered its result may take to end.
STREAM_END_GRACE = 2.0


class StartedSession(NamedTuple):
    session_id: str
    created_at: datetime


class CodeInterpreterClient:
    """One code interpreter, for the length of one call."""

    def __init__(
        self,
        clients: Clients,
        identifier: str,
        deadline: Deadline,
        trace: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`trace` holds the API's trace members, for the operations that take them."""
        self._agentcore_single_attempt = clients.agentcore_single_attempt
        self._agentcore = clients.agentcore
        self._identifier = identifier
        self._deadline = deadline
        self._trace = trace

    def start_session(self, *, client_token: str, **options: Any) -> StartedSession:
        """Start a session; the same token always gives the same session."""
        answer = self._repeated(
            "Starting a session",
            self._agentcore.start_code_interpreter_session,
            clientToken=client_token,
            **self._trace,
            **options,
        )
        return StartedSession(answer["sessionId"], answer["createdAt"])

    def stop_session(self, session_id: str) -> None:
        """Stop a session. One that has already ended is no failure."""
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
        """GetCodeInterpreterSession, or `NotFoundError`."""
        return self._repeated(
            "Looking up the session",
            self._agentcore.get_code_interpreter_session,
            sessionId=session_id,
        )

    def list_sessions(self, **arguments: Any) -> dict[str, Any]:
        """ListCodeInterpreterSessions."""
        return self._repeated(
            "Listing the sessions",
            self._agentcore.list_code_interpreter_sessions,
            **arguments,
        )

    def _repeated(self, doing: str, operation: Any, **arguments: Any) -> dict[str, Any]:
        """An operation that is safe to repeat, and repeated by botocore."""
        arguments["codeInterpreterIdentifier"] = self._identifier
        try:
            answer: dict[str, Any] = self._deadline.run(lambda: operation(**arguments))
        except (ClientError, BotoCoreError, HTTPError, TimeoutError) as error:
            raise refusal(error, doing, NotFoundError) or NotStartedError(
                f"{doing}: {error_text(error)}"
            ) from None
        return answer

    def invoke(
        self,
        session_id: str,
        name: str,
        arguments: dict[str, Any],
        *,
        timeout: float | None = None,
        repeatable: bool = False,
    ) -> list[dict[str, Any]]:
        """Run one operation in a session and return its result events, at least one.

        Sent exactly once, unless `repeatable` says that running it again does no harm. `timeout`
        is in seconds; without one the call may take all the time the function has.
        """
        client = self._agentcore if repeatable else self._agentcore_single_attempt
        left = self._deadline.remaining() - self._deadline.answer_reserve
        if left <= 0:
            raise NotStartedError(f"{name} was not sent: no time is left for it")
        limit = min(left, LONGEST_INVOCATION if timeout is None else timeout)
        ends = Deadline(limit)

        def events() -> Iterator[dict[str, Any]]:
            answer = client.invoke_code_interpreter(
                codeInterpreterIdentifier=self._identifier,
                sessionId=session_id,
                name=name,
                arguments=arguments,
                **self._trace,
            )
            # Read to its end, the stream leaves its connection to the next call.
            with closing(answer["stream"]) as stream:
                for event in stream:
                    if "result" in event:
                        yield event["result"]

        background = Background(events)
        results: list[dict[str, Any]] = []
        try:
            while True:
                final = bool(results) and is_final(name, results[-1])
                results.append(background.next(STREAM_END_GRACE if final else ends.remaining()))
        except StopIteration:
            if results:
                return results
            raise OutcomeUnknownError(
                f"{name}: the answer ended without a result; it may have run"
            ) from None
        except Exception as error:
            return self._after_failure(name, results, error, limit)

    def _after_failure(
        self, name: str, results: list[dict[str, Any]], error: Exception, limit: float
    ) -> list[dict[str, Any]]:
        """The results if they were complete before the stream broke, or else the error it means."""
        broken = not isinstance(error, ClientError)
        if broken and results and is_final(name, results[-1]):
            return results
        if not results:
            refused = refusal(error, name, SessionGoneError)
            if refused:
                raise refused from None
        if isinstance(error, InvalidPayloadLength):
            raise OutcomeUnknownError(
                f"{name}: its result is too large to be received; large output belongs in a file"
            ) from None
        if isinstance(error, TimeoutError):
            raise TimedOutError(f"{name} gave no result within {limit:.0f} seconds") from None
        raise OutcomeUnknownError(
            f"{name}: {error_text(error)}; whether it ran is not known"
        ) from None


def is_final(name: str, result: dict[str, Any]) -> bool:
    """Whether no further result is to come: a program's last one carries its exit code."""
    if name in ("executeCode", "executeCommand"):
        return "exitCode" in (result.get("structuredContent") or {})
    return True
