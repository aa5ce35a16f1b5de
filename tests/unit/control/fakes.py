"""A service, a clock and a CloudFormation that behave as AWS documents theirs, in memory."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from code_interpreter_control import handler as handler_module
from code_interpreter_control import response
from code_interpreter_control.code_interpreters import CodeInterpreter, Status
from code_interpreter_control.errors import ServiceError
from code_interpreter_control.event import Request
from code_interpreter_control.polling import Clock

T = TypeVar("T")

STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/Demo/0f0e0d0c"
LOGICAL_ID = "Interpreter0A1B2C3D"


class Killed(BaseException):
    """The handler's process is gone; nothing of it runs any more."""


@dataclass
class Interpreter:
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
        """Each read is one step further; the last state stays."""
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@dataclass
class FakeService:
    """`clients.CodeInterpreters`, and what a test wants to go wrong."""

    interpreters: dict[str, Interpreter] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    creating: list[str] = field(default_factory=lambda: ["CREATING", "READY"])
    deleting: list[str] = field(default_factory=lambda: ["READY", "DELETING", "gone"])
    create_errors: list[ServiceError] = field(default_factory=list)
    get_errors: list[ServiceError] = field(default_factory=list)
    delete_errors: list[ServiceError] = field(default_factory=list)
    failure_reason: str = "AWS gave no reason"
    conflict_with_live_sessions: bool = True
    # The number of the call that goes wrong, whether after its effect, and how.
    fault: tuple[int, bool, BaseException] | None = None
    _tokens: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def create(self, parameters: dict[str, Any]) -> str:
        return self._faulty("create", lambda: self._create(dict(parameters)))

    def get(self, interpreter_id: str) -> CodeInterpreter | None:
        return self._faulty("get", lambda: self._get(interpreter_id))

    def all(self) -> Iterator[CodeInterpreter]:
        found = self._faulty("all", lambda: list(self.interpreters.values()))
        return iter([one.described(one.statuses[0]) for one in found])

    def delete(self, interpreter_id: str, *, token: str) -> None:
        assert len(token) >= 33
        self._faulty("delete", lambda: self._delete(interpreter_id, token))

    def tags(self, arn: str) -> dict[str, str]:
        return self._faulty("tags", lambda: dict(one.tags) if (one := self._by(arn)) else {})

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

    def seed(self, name: str, **properties: Any) -> Interpreter:
        """An interpreter that is simply there."""
        number = next(self._numbers)
        one = Interpreter(
            id=f"{name}-{number:010d}",
            name=name,
            **{"tags": {}, "parameters": {}, "statuses": ["READY"], **properties},
        )
        self.interpreters[one.id] = one
        return one

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
            if any(one.name == parameters["name"] for one in self.interpreters.values()):
                raise service_error("ConflictException", "a code interpreter has this name")
            one = self.seed(
                parameters.pop("name"),
                tags=dict(parameters.pop("tags")),
                parameters=parameters,
                statuses=list(self.creating),
            )
            self._tokens[token] = one.id
        return self._tokens[token]

    def _get(self, interpreter_id: str) -> CodeInterpreter | None:
        if self.get_errors:
            raise self.get_errors.pop(0)
        one = self.interpreters.get(interpreter_id)
        status = "gone" if one is None else one.read_status()
        if status == "unseen":
            return None
        if one is None or status == "gone":
            self.interpreters.pop(interpreter_id, None)
            return None
        return one.described(status, self.failure_reason)

    def _live_sessions(self, interpreter_id: str) -> list[str]:
        """The data plane knows only what was ready once."""
        one = self.interpreters.get(interpreter_id)
        if one is not None and one.statuses[0] in ("unseen", "CREATING", "CREATE_FAILED"):
            raise service_error("ValidationException", "it has not been ready")
        return sorted(one.sessions) if one else []

    def _delete(self, interpreter_id: str, token: str) -> None:
        if self.delete_errors:
            raise self.delete_errors.pop(0)
        if self._tokens.setdefault(token, interpreter_id) != interpreter_id:
            raise service_error("ValidationException", "the token was used for another one")
        one = self.interpreters.get(interpreter_id)
        if one is None:
            return
        if one.sessions and self.conflict_with_live_sessions:
            raise service_error("ConflictException", "it has active sessions")
        one.statuses = list(self.deleting)

    def _by(self, arn: str) -> Any:
        return next((one for one in self.interpreters.values() if one.arn == arn), None)


@dataclass
class FakeTime:
    """Time that passes only when somebody sleeps."""

    left: float = 900.0

    def sleep(self, seconds: float) -> None:
        self.left -= seconds

    def clock(self) -> Clock:
        return Clock(remaining=lambda: self.left, sleep=self.sleep)


def service_error(code: str, message: str = "no") -> ServiceError:
    return ServiceError(operation="operation", code=code, message=message, request_id="r-1")


@dataclass
class CloudFormation:
    """Sends events as CloudFormation does, and keeps what it is told.

    Lambda runs an event again when the handler's process dies.
    """

    service: FakeService
    physical_id: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)
    seconds_left: float = 0.0
    _requests: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def create(self, properties: dict[str, Any]) -> bool:
        """Create the resource; a failure is rolled back by deleting it."""
        answer = self.send("Create", properties)
        self.physical_id, self.properties = answer["PhysicalResourceId"], properties
        if answer["Status"] == "SUCCESS":
            return True
        self.delete()
        return False

    def update(self, properties: dict[str, Any]) -> bool:
        """Update the resource; a failure is rolled back by the opposite update."""
        old_id, old = self.physical_id, self.properties
        answer = self.send(
            "Update", properties, PhysicalResourceId=old_id, OldResourceProperties=old
        )
        if answer["Status"] == "FAILED":
            assert answer["PhysicalResourceId"] == old_id
            back = self.send(
                "Update", old, PhysicalResourceId=old_id, OldResourceProperties=properties
            )
            assert (back["Status"], back["PhysicalResourceId"]) == ("SUCCESS", old_id)
            return False
        self.physical_id, self.properties = answer["PhysicalResourceId"], properties
        if self.physical_id != old_id:
            self.send_delete(old_id, old)
        return True

    def delete(self) -> None:
        self.send_delete(self.physical_id, self.properties)
        self.physical_id = None

    def send_delete(self, physical_id: str | None, properties: dict[str, Any]) -> None:
        """A deletion that fails is tried again, by CloudFormation or by the user."""
        answer: dict[str, Any] = {}
        for _ in range(2):
            answer = self.send("Delete", properties, PhysicalResourceId=physical_id)
            assert answer["PhysicalResourceId"] == physical_id
            if answer["Status"] == "SUCCESS":
                return
        raise AssertionError(answer)

    def send(self, kind: str, properties: dict[str, Any], **fields: Any) -> dict[str, Any]:
        event = {
            "RequestType": kind,
            "RequestId": f"00000000-0000-0000-0000-{next(self._requests):012d}",
            "StackId": STACK_ID,
            "LogicalResourceId": LOGICAL_ID,
            "ResponseURL": "https://cloudformation.example/answer?signature=secret",
            "ResourceType": "Custom::CodeInterpreter",
            "ResourceProperties": properties,
            **fields,
        }
        try:
            answer = self._run(event)
        except Killed:
            answer = self._run(event)
        self.answers.append(answer)
        return answer

    def _run(self, event: dict[str, Any]) -> dict[str, Any]:
        request = Request.from_event(event)
        time = FakeTime()
        outcome = handler_module.carry_out(request, time.clock())
        content = response.render(request, outcome)
        self.seconds_left = time.left
        assert len(content) <= 4096
        result: dict[str, Any] = json.loads(content)
        return result
