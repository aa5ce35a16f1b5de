"""AgentCore, Lambda and time for the control function, in memory."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from unittest import mock

from code_interpreter_control import handler, response
from code_interpreter_control.code_interpreters import CodeInterpreter, Status
from code_interpreter_control.errors import ServiceError
from code_interpreter_control.event import CustomResourceRequest
from code_interpreter_control.polling import Clock

T = TypeVar("T")


class Killed(BaseException):
    """The function's process ends at once."""


@dataclass
class StoredInterpreter:
    id: str
    name: str
    tags: dict[str, str]
    parameters: dict[str, Any]
    statuses: list[str]
    sessions: set[str] = field(default_factory=set)

    @property
    def arn(self) -> str:
        return f"arn:aws:bedrock-agentcore:us-east-1:123456789012:code-interpreter-custom/{self.id}"

    def described(self, status: str, failure_reason: str = "") -> CodeInterpreter:
        created_at = datetime(2026, 1, 2, tzinfo=UTC)
        return CodeInterpreter(
            self.id, self.arn, self.name, Status(status), created_at, failure_reason
        )

    def read_status(self) -> str:
        """Return the next status; the last one stays."""
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@dataclass
class FakeCodeInterpreters:
    """The interface of `CodeInterpreters`, with the failures that a test asks for."""

    interpreters: dict[str, StoredInterpreter] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    creating: list[str] = field(default_factory=lambda: ["CREATING", "READY"])
    deleting: list[str] = field(default_factory=lambda: ["READY", "DELETING", "gone"])
    create_errors: list[ServiceError] = field(default_factory=list)
    get_errors: list[ServiceError] = field(default_factory=list)
    delete_errors: list[ServiceError] = field(default_factory=list)
    failure_reason: str = "AWS gave no reason"
    conflict_with_live_sessions: bool = True
    # The number of the call that fails, whether it has its effect before, and the error.
    fault: tuple[int, bool, BaseException] | None = None
    _tokens: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def create(self, parameters: dict[str, Any]) -> str:
        return self._faulty("create", lambda: self._create(dict(parameters)))

    def get(self, interpreter_id: str) -> CodeInterpreter | None:
        return self._faulty("get", lambda: self._get(interpreter_id))

    def all(self) -> Iterator[CodeInterpreter]:
        found = self._faulty("all", lambda: list(self.interpreters.values()))
        return iter([interpreter.described(interpreter.statuses[0]) for interpreter in found])

    def delete(self, interpreter_id: str, *, token: str) -> None:
        assert len(token) >= 33
        self._faulty("delete", lambda: self._delete(interpreter_id, token))

    def tags(self, arn: str) -> dict[str, str]:
        return self._faulty("tags", lambda: self._tags(arn))

    def tag(self, arn: str, tags: dict[str, str]) -> None:
        self._faulty("tag", lambda: self._by(arn).tags.update(tags))

    def untag(self, arn: str, keys: list[str]) -> None:
        self._faulty("untag", lambda: [self._by(arn).tags.pop(key, None) for key in keys])

    def live_sessions(self, interpreter_id: str) -> Iterator[str]:
        return iter(self._faulty("live_sessions", lambda: self._live_sessions(interpreter_id)))

    def stop_session(self, interpreter_id: str, session_id: str) -> None:
        self._faulty(
            "stop_session", lambda: self.interpreters[interpreter_id].sessions.discard(session_id)
        )

    def seed(self, name: str, **properties: Any) -> StoredInterpreter:
        """Add a code interpreter that is READY."""
        number = next(self._numbers)
        interpreter = StoredInterpreter(
            id=f"{name}-{number:010d}",
            name=name,
            **{"tags": {}, "parameters": {}, "statuses": ["READY"], **properties},
        )
        self.interpreters[interpreter.id] = interpreter
        return interpreter

    def _faulty(self, name: str, effect: Callable[[], T]) -> T:
        self.calls.append(name)
        number, after, error = self.fault or (0, False, Killed())
        if len(self.calls) == number and not after:
            raise error
        result = effect()
        if len(self.calls) == number and after:
            raise error
        return result

    def _create(self, parameters: dict[str, Any]) -> str:
        if self.create_errors:
            raise self.create_errors.pop(0)
        token = parameters.pop("clientToken")
        assert 33 <= len(token) <= 256
        if token not in self._tokens:
            if parameters["name"] in {stored.name for stored in self.interpreters.values()}:
                raise service_error("ConflictException", "a code interpreter has this name")
            interpreter = self.seed(
                parameters.pop("name"),
                tags=dict(parameters.pop("tags")),
                parameters=parameters,
                statuses=list(self.creating),
            )
            self._tokens[token] = interpreter.id
        return self._tokens[token]

    def _get(self, interpreter_id: str) -> CodeInterpreter | None:
        if self.get_errors:
            raise self.get_errors.pop(0)
        interpreter = self.interpreters.get(interpreter_id)
        status = "gone" if interpreter is None else interpreter.read_status()
        if status == "unseen":
            return None
        if interpreter is None or status == "gone":
            self.interpreters.pop(interpreter_id, None)
            return None
        return interpreter.described(status, self.failure_reason)

    def _live_sessions(self, interpreter_id: str) -> list[str]:
        """Return the sessions; the data plane knows no interpreter that was never READY."""
        interpreter = self.interpreters.get(interpreter_id)
        if interpreter is not None and interpreter.statuses[0] in (
            "unseen",
            "CREATING",
            "CREATE_FAILED",
        ):
            raise service_error("ValidationException", "the code interpreter was never READY")
        return sorted(interpreter.sessions) if interpreter else []

    def _delete(self, interpreter_id: str, token: str) -> None:
        if self.delete_errors:
            raise self.delete_errors.pop(0)
        if self._tokens.setdefault(token, interpreter_id) != interpreter_id:
            raise service_error("ValidationException", "the token is another deletion's")
        interpreter = self.interpreters.get(interpreter_id)
        if interpreter is None:
            return
        if interpreter.sessions and self.conflict_with_live_sessions:
            raise service_error("ConflictException", "the code interpreter has active sessions")
        interpreter.statuses = list(self.deleting)

    def _tags(self, arn: str) -> dict[str, str]:
        interpreter = self._by(arn)
        return dict(interpreter.tags) if interpreter else {}

    def _by(self, arn: str) -> Any:
        found = (stored for stored in self.interpreters.values() if stored.arn == arn)
        return next(found, None)


@dataclass
class FakeTime:
    """Time that passes only in `sleep`."""

    left: float = 900.0

    def sleep(self, seconds: float) -> None:
        self.left -= seconds

    def clock(self) -> Clock:
        return Clock(remaining=lambda: self.left, sleep=self.sleep)


def service_error(code: str, message: str = "no") -> ServiceError:
    return ServiceError(operation="operation", code=code, message=message, request_id="r-1")


@dataclass
class InProcessFunction:
    """Runs events of CloudFormation in this process.

    Lambda runs an event again when the function's process ends.
    """

    service: FakeCodeInterpreters
    seconds_left: float = 0.0

    def run(self, event: dict[str, Any]) -> dict[str, Any]:
        with mock.patch.object(handler, "code_interpreters", lambda: self.service):
            try:
                return self._run(event)
            except Killed:
                return self._run(event)

    def _run(self, event: dict[str, Any]) -> dict[str, Any]:
        request = CustomResourceRequest.from_event(event)
        time = FakeTime()
        content = response.render(request, handler.carry_out(request, time.clock()))
        self.seconds_left = time.left
        assert len(content) <= 4096
        result: dict[str, Any] = json.loads(content)
        return result
