from __future__ import annotations

from types import MappingProxyType
from typing import Any, cast

import pytest

from code_interpreter_invoke.errors import TimedOutError
from code_interpreter_invoke.sandbox.results import Result, fold
from code_interpreter_invoke.sandbox.sandbox import Sandbox
from code_interpreter_invoke.sessions.setup import SETUP_SECONDS, SetupError, set_up
from tests.fakes.clock import Clock
from tests.fakes.world import World

from .sessions import Sessions


class OneResult:
    """A sandbox in which a command has one result."""

    environment = MappingProxyType({"A": "1"})

    def __init__(self, result: Result | TimedOutError) -> None:
        self.result = result

    def invoke(self, _name: str, _arguments: dict[str, Any], **_options: Any) -> Result:
        if isinstance(self.result, TimedOutError):
            raise self.result
        return self.result


def failure(result: Result | TimedOutError, seconds: float = 0.0) -> str:
    now = iter((100.0, 100.0 + seconds))
    with pytest.raises(SetupError) as raised:
        set_up(cast(Sandbox, OneResult(result)), "a command", now=lambda: next(now))
    return raised.value.message


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"stderr": "no\nbad: x\n", "exitCode": 2}, "failed with exit code 2: bad: x; start"),
        ({"stderr": "", "exitCode": 1}, "failed with exit code 1; start_session takes another"),
        ({"stderr": " \n"}, "the session's setup failed; start_session takes another setup"),
    ],
)
def test_a_setup_that_fails_says_how(members: dict[str, Any], message: str) -> None:
    result = fold([{"isError": True, "structuredContent": members}])
    assert message in failure(result)


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        (300.2, "the session's setup took longer than 300 s"),
        (299.9, "the session's setup took longer than 300 s"),
        (20.1, "the session's setup had not ended after 20 s, when the function's own time was up"),
    ],
)
def test_a_setup_that_does_not_end_says_whose_time_was_up(seconds: float, message: str) -> None:
    assert failure(TimedOutError("late"), seconds).startswith(message)


def test_no_other_request_takes_over_while_a_setup_runs(world: World, clock: Clock) -> None:
    sessions = Sessions(world, clock)
    left: list[float] = []

    def during(operation: str, _detail: str) -> None:
        if operation == "executeCommand":
            left.append(sessions.record().lease_expires_at - clock.now())

    world.agentcore.before = during
    sessions.session().start({}, "true", None)
    assert left[-1] > SETUP_SECONDS


def test_a_setup_has_the_variables_of_its_session(world: World) -> None:
    setup = 'test "$REGION" = EU'
    world.ok("start_session", session="s", setup=setup, env={"REGION": "EU"})
    assert world("start_session", session="other", setup=setup)["error"]["type"] == "NotStarted"
