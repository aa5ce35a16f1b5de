"""Two at once: the second one runs whole, before or after any operation of the first.

The record decides, whatever the order: a request's sandbox is alive when it gets it and stays so,
no two sessions have the same sandbox, and none is forgotten while it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from code_interpreter_invoke.sessions.store import SessionStore
from tests.fakes.clock import Clock
from tests.fakes.s3 import RECORDS_PREFIX
from tests.fakes.world import World

from .sessions import LIMIT, Sessions

MOST_OPERATIONS = 12
LIFE = 900


class Pair:
    """Two instances of the function over the same services."""

    def __init__(self, directory: Path) -> None:
        self.world = World(directory)
        self.clock = Clock()
        self.first = self.instance()
        self.second = self.instance()
        self.used: dict[str, str] = {}

    def instance(self) -> Sessions:
        sessions = Sessions(self.world, self.clock)
        sessions.options = {"sessionTimeoutSeconds": LIFE}
        return sessions

    def with_spares(self) -> None:
        for sessions in (self.first, self.second):
            sessions.has_spare = True
        self.first.replenish()

    def use(self, sessions: Sessions, name: str) -> None:
        """Use a session, whose sandbox has to be alive."""
        session_id = sessions.use(name)["session_id"]
        assert self.world.agentcore.sandboxes[session_id].alive
        self.used[name] = session_id

    def check(self) -> None:
        alive = {
            session_id
            for session_id, sandbox in self.world.agentcore.sandboxes.items()
            if sandbox.alive
        }
        owned = list(self.used.values())
        assert len(set(owned)) == len(owned)
        assert set(owned) <= alive
        spares = SessionStore(self.first.bucket, f"{RECORDS_PREFIX}spares/")
        known = {*owned, spares.read("next").record.session_id}
        assert alive <= known


class Case(NamedTuple):
    """A beginning, and the two that run at once."""

    begin: Callable[[Pair], None]
    first: Callable[[Pair], object]
    second: Callable[[Pair], object]


def idle(pair: Pair) -> None:
    pair.second.use("s")
    pair.clock.seconds += LIMIT + 1


def idle_and_cached(pair: Pair) -> None:
    pair.first.use("s")
    pair.second.use("s")
    pair.clock.seconds += LIMIT + 1


def spare(pair: Pair) -> None:
    pair.with_spares()


def old_spare(pair: Pair) -> None:
    """Let the spare be so old that a session still takes it, and the upkeep retires it."""
    pair.with_spares()
    pair.clock.seconds += 180


CASES = {
    "a sweep, and a request": Case(
        idle, lambda pair: pair.first.sweep(), lambda pair: pair.use(pair.second, "s")
    ),
    "a sweep, and a request to another instance": Case(
        idle, lambda pair: pair.first.sweep(), lambda pair: pair.use(pair.instance(), "s")
    ),
    "a request, and a sweep": Case(
        idle_and_cached, lambda pair: pair.use(pair.first, "s"), lambda pair: pair.second.sweep()
    ),
    "a request to another instance, and a sweep": Case(
        idle, lambda pair: pair.use(pair.first, "s"), lambda pair: pair.first.sweep()
    ),
    "two sweeps": Case(idle, lambda pair: pair.first.sweep(), lambda pair: pair.second.sweep()),
    "two new sessions": Case(
        spare, lambda pair: pair.use(pair.first, "a"), lambda pair: pair.use(pair.second, "b")
    ),
    "a new session, and the upkeep": Case(
        spare, lambda pair: pair.use(pair.first, "a"), lambda pair: pair.second.replenish()
    ),
    "a new session, and the upkeep that retires": Case(
        old_spare, lambda pair: pair.use(pair.first, "a"), lambda pair: pair.second.replenish()
    ),
    "the upkeep that retires, and a new session": Case(
        old_spare, lambda pair: pair.first.replenish(), lambda pair: pair.use(pair.second, "a")
    ),
    "two runs of the upkeep": Case(
        old_spare, lambda pair: pair.first.replenish(), lambda pair: pair.second.replenish()
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_record_decides_in_every_order(tmp_path: Path, case: Case) -> None:
    orders = 0
    for when in ("before", "after"):
        for number in range(MOST_OPERATIONS):
            pair = Pair(tmp_path / when / str(number))
            case.begin(pair)
            if not run_within(pair, case, when, number):
                break
            pair.check()
            orders += 1
    assert orders >= 3


def run_within(pair: Pair, case: Case, when: str, number: int) -> bool:
    """Run the second at an operation of the first; tell whether there was such an operation."""
    left = [number]
    ran: list[bool] = []

    def hook(_operation: str, _detail: str) -> None:
        if ran:
            return
        if left[0] == 0:
            ran.append(True)
            case.second(pair)
        left[0] -= 1

    setattr(pair.world.s3, when, hook)
    setattr(pair.world.agentcore, when, hook)
    case.first(pair)
    return bool(ran)
