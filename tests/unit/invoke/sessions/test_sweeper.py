from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from code_interpreter_invoke.deadline import Deadline
from code_interpreter_invoke.sessions import named
from code_interpreter_invoke.sessions.idle import Heartbeat
from code_interpreter_invoke.sessions.sweeper import LONGEST_SESSION, Swept
from tests.fakes.client_error import client_error
from tests.fakes.clock import Clock
from tests.fakes.s3 import BUCKET, RECORDS_PREFIX
from tests.fakes.world import World

from .sessions import LIMIT, Sessions

RECORD = f"{RECORDS_PREFIX}s.json"


@pytest.fixture
def sessions(world: World, clock: Clock) -> Sessions:
    return Sessions(world, clock)


def once(operation: str, key: str, effect: Callable[[], object]) -> Callable[[str, str], None]:
    """Return a hook that has an effect at the first such operation, and not within the effect."""
    left = [effect]

    def hook(found: str, found_key: str) -> None:
        if (found, found_key) == (operation, key) and left:
            left.pop()()

    return hook


# Sessions that are swept.


def test_an_idle_session_loses_its_sandbox_and_its_next_request_says_so(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    first = sessions.use()["session_id"]
    clock.seconds += LIMIT + 1
    assert sessions.sweep() == Swept(stopped=1, failed=0)
    assert world.agentcore.running == []
    restarted = sessions.use()
    assert restarted["session_id"] != first
    assert restarted["session_restarted"] is True
    assert "the session was idle" in restarted["warnings"][0]
    clock.seconds += 1
    later = sessions.use()
    assert "session_restarted" not in later
    assert "warnings" not in later


def test_a_later_loss_of_the_sandbox_is_not_blamed_on_the_sweeper(
    sessions: Sessions, clock: Clock
) -> None:
    sessions.use()
    clock.seconds += LIMIT + 1
    sessions.sweep()
    sessions.use()
    clock.seconds += 28_800
    restarted = sessions.use()
    assert restarted["session_restarted"] is True
    assert "warnings" not in restarted


def test_the_settings_of_a_swept_session_stay(sessions: Sessions, clock: Clock) -> None:
    sessions.session().start({"sessionTimeoutSeconds": 10_000}, "true", {"A": "b"})
    clock.seconds += LIMIT + 1
    assert sessions.sweep().stopped == 1
    sessions.use()
    record = sessions.record()
    assert record.options == {"sessionTimeoutSeconds": 10_000}
    assert (record.setup, record.environment) == ("true", {"A": "b"})


def test_records_in_folders_are_no_sessions(sessions: Sessions, world: World, clock: Clock) -> None:
    for folder in ("responses", "spares"):
        world.s3.put_object(Bucket=BUCKET, Key=f"{RECORDS_PREFIX}{folder}/x.json", Body=b"{")
    sessions.use()
    clock.seconds += LIMIT + 1
    assert sessions.sweep() == Swept(1, 0)


# Sessions that are not swept.


def keep_used(sessions: Sessions, clock: Clock) -> None:
    clock.seconds += LIMIT * 0.6
    sessions.use()
    clock.seconds += LIMIT * 0.6


def lease(sessions: Sessions, clock: Clock) -> None:
    clock.seconds += LIMIT + 1
    sessions.replace_record(lease_expires_at=clock.now() + 60)
    clock.seconds += 59


def lease_that_expired(sessions: Sessions, clock: Clock) -> None:
    """Others used the sandbox meanwhile, and wrote nothing."""
    sessions.replace_record(lease_expires_at=clock.now() + LIMIT)
    clock.seconds += LIMIT + 1


def record_of_an_earlier_version(sessions: Sessions, clock: Clock) -> None:
    sessions.replace_record(idle_limit=0.0, last_used_at=0.0)
    clock.seconds += LIMIT + 1


def record_with_a_longer_limit(sessions: Sessions, clock: Clock) -> None:
    """Instances from before a deployment write the use of their sessions more seldom."""
    sessions.replace_record(idle_limit=10 * LIMIT)
    clock.seconds += LIMIT + 1


def another_code_interpreter(sessions: Sessions, clock: Clock) -> None:
    sessions.replace_record(code_interpreter_id="analysis-9876543210")
    clock.seconds += LIMIT + 1


@pytest.mark.parametrize(
    "happen",
    [
        keep_used,
        lease,
        lease_that_expired,
        record_of_an_earlier_version,
        record_with_a_longer_limit,
        another_code_interpreter,
    ],
)
def test_a_sandbox_stays_that_may_be_in_use(
    sessions: Sessions,
    world: World,
    clock: Clock,
    happen: Callable[[Sessions, Clock], None],
) -> None:
    sessions.use()
    happen(sessions, clock)
    assert sessions.sweep() == Swept(0, 0)
    assert len(world.agentcore.running) == 1


def stopped(sessions: Sessions) -> None:
    sessions.session().stop()


def ended(sessions: Sessions) -> None:
    sessions.replace_record(expires_at=sessions.clock.now() + 1)


def later(sessions: Sessions) -> None:
    sessions.replace_record(idle_limit=3 * LIMIT)


@pytest.mark.parametrize("happen", [stopped, ended, later])
def test_a_record_is_read_once_until_it_is_written(
    sessions: Sessions, world: World, clock: Clock, happen: Callable[[Sessions], None]
) -> None:
    sessions.use()
    happen(sessions)
    reads = []
    for _ in range(2):
        clock.seconds += LIMIT + 1
        for _ in range(2):
            world.forget_calls()
            assert sessions.sweep() == Swept(0, 0)
            reads.append(world.s3.operations().count("GetObject"))
        sessions.replace_record()
    assert reads == [1, 0, 1, 0]


def test_the_sweeper_forgets_sessions_that_ended_long_ago(sessions: Sessions, clock: Clock) -> None:
    """Names of sessions are often ids, and an instance lives for hours."""
    sessions.use()
    ended(sessions)
    clock.seconds += LIMIT + 1
    sessions.sweep()
    assert list(sessions.sweep_cache) == ["s"]
    clock.seconds += LONGEST_SESSION + LIMIT
    sessions.sweep()
    assert sessions.sweep_cache == {}


def test_a_record_is_read_again_when_its_session_is_idle(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    sessions.use()
    later(sessions)
    clock.seconds += LIMIT + 1
    assert sessions.sweep() == Swept(0, 0)
    clock.seconds += 2 * LIMIT
    assert sessions.sweep() == Swept(1, 0)
    assert world.agentcore.running == []


def test_without_the_sweeper_records_have_no_limit(sessions: Sessions, clock: Clock) -> None:
    sessions.idle_limit = 0.0
    sessions.use()
    clock.seconds += LIMIT
    sessions.use()
    record = sessions.record()
    assert (record.idle_limit, record.last_used_at) == (0.0, 0.0)


# A request that runs.


def test_use_is_written_at_most_once_in_a_quarter_of_the_limit(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    sessions.use()
    world.forget_calls()
    for _ in range(12):
        clock.seconds += LIMIT / 16
        sessions.use()
    assert world.s3.operations().count("PutObject") == 3
    assert world.s3.operations().count("ListObjectsV2") == 12
    assert world.s3.operations().count("GetObject") == 0
    assert world.agentcore.operations() == []


class Beats:
    """Takes the place of `Heartbeat`: a test calls the function."""

    def __init__(self, beat: Callable[[], None], seconds: float) -> None:
        self.beat = beat
        self.seconds = seconds

    def stop(self) -> None:
        self.beat = lambda: None


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Beats]:
    """Return the heartbeats that requests begin."""
    made: list[Beats] = []

    def make(beat: Callable[[], None], seconds: float) -> Beats:
        made.append(Beats(beat, seconds))
        return made[-1]

    monkeypatch.setattr(named, "Heartbeat", make)
    return made


def test_a_program_that_runs_for_longer_than_the_limit_keeps_its_sandbox(
    sessions: Sessions, clock: Clock, made: list[Beats]
) -> None:
    session = sessions.session()
    session.sandbox()
    [beats] = made
    assert beats.seconds == LIMIT / 4
    for _ in range(12):
        clock.seconds += beats.seconds
        beats.beat()
        assert sessions.sweep() == Swept(0, 0)
    session.close()
    clock.seconds += LIMIT + 1
    beats.beat()
    assert sessions.sweep().stopped == 1


def test_a_beat_that_fails_does_no_harm(
    sessions: Sessions, world: World, clock: Clock, made: list[Beats]
) -> None:
    sessions.session().sandbox()
    clock.seconds += LIMIT / 2

    def refuse(operation: str, _key: str) -> None:
        raise client_error("InternalError", 500, operation)

    world.s3.before = refuse
    made[0].beat()
    world.s3.before = lambda operation, key: None
    made[0].beat()
    assert sessions.record().last_used_at == clock.now()


def test_a_heartbeat_beats_until_it_is_stopped() -> None:
    beats = threading.Semaphore(0)
    heartbeat = Heartbeat(beats.release, 0.001)
    assert beats.acquire(timeout=10)
    assert beats.acquire(timeout=10)
    heartbeat.stop()
    while beats.acquire(timeout=0.05):
        pass


# Tasks.


@pytest.mark.parametrize(
    ("status", "stopped"), [("working", 0), ("submitted", 0), ("completed", 1), ("canceled", 1)]
)
def test_a_session_with_a_running_task_is_not_idle(
    sessions: Sessions, world: World, clock: Clock, status: str, stopped: int
) -> None:
    session = sessions.session()
    session.sandbox()
    session.record_task("7")
    session.close()
    clock.seconds += LIMIT + 1
    world.agentcore.results["getTask"] = {
        "content": [],
        "structuredContent": {"taskId": "7", "taskStatus": status},
        "isError": False,
    }
    assert sessions.sweep() == Swept(stopped, 0)
    if not stopped:
        assert world.agentcore.arguments == {"taskId": "7"}
        assert sessions.record().last_used_at == clock.now()


def test_a_task_that_the_sandbox_does_not_know_has_ended(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    session = sessions.session()
    session.sandbox()
    session.record_task("7")
    world.agentcore.results["getTask"] = {
        "content": [{"type": "text", "text": "no such task"}],
        "isError": True,
    }
    clock.seconds += LIMIT + 1
    assert sessions.sweep() == Swept(1, 0)


def test_tasks_are_recorded_where_the_sweeper_needs_them_only(
    sessions: Sessions, world: World
) -> None:
    sessions.idle_limit = 0.0
    session = sessions.session()
    session.sandbox()
    world.forget_calls()
    session.record_task("7")
    assert world.s3.operations() == []


# Races: the record decides.


def test_a_request_that_comes_between_the_look_and_the_mark_keeps_its_sandbox(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    sessions.use()
    clock.seconds += LIMIT + 1
    others = Sessions(world, clock)
    world.s3.before = once("PutObject", RECORD, others.use)
    assert sessions.sweep() == Swept(0, 0)
    assert "Stop" not in world.agentcore.operations()
    assert "session_restarted" not in others.use()


@pytest.mark.parametrize("remembers", [True, False], ids=["warm", "cold"])
def test_a_request_that_comes_between_the_mark_and_the_stop_gets_another_sandbox(
    sessions: Sessions, world: World, clock: Clock, *, remembers: bool
) -> None:
    others = Sessions(world, clock)
    first = (others if remembers else sessions).use()["session_id"]
    clock.seconds += LIMIT + 1
    responses: list[dict[str, Any]] = []
    world.s3.after = once("PutObject", RECORD, lambda: responses.append(others.use()))
    assert sessions.sweep().stopped == 1
    [response] = responses
    assert response["session_restarted"] is True
    assert "the session was idle" in response["warnings"][0]
    assert response["session_id"] != first
    assert others.use()["session_id"] == response["session_id"]
    assert [found.alive for found in world.agentcore.sandboxes.values()] == [False, True]


def test_a_warm_request_that_comes_after_the_sweep_gets_another_sandbox(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    warm = Sessions(world, clock)
    first = warm.use()["session_id"]
    clock.seconds += LIMIT + 1
    sessions.sweep()
    assert warm.use()["session_id"] != first


def test_two_sweeps_at_once_stop_a_sandbox_once(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    sessions.use()
    clock.seconds += LIMIT + 1
    others: list[Swept] = []
    world.s3.before = once("PutObject", RECORD, lambda: others.append(sessions.sweep()))
    assert sessions.sweep() == Swept(0, 0)
    assert others == [Swept(1, 0)]
    assert world.agentcore.operations().count("Stop") == 1


def test_stopping_a_session_forgets_the_sandbox_though_a_request_writes_its_use(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    sessions.use()
    clock.seconds += LIMIT / 2
    others = Sessions(world, clock)
    world.s3.before = once("PutObject", RECORD, others.use)
    sessions.session().stop()
    assert sessions.record().session_id == ""
    assert "session_restarted" not in sessions.use()


def test_a_sweeper_whose_clock_is_fast_does_not_take_the_next_sandbox_for_the_swept_one(
    sessions: Sessions, clock: Clock
) -> None:
    sessions.use()
    clock.seconds += LIMIT + 1
    sessions.sweep()
    sessions.replace_record(swept_at=clock.now() + 2)
    sessions.use()
    sessions.replace_record(lease_expires_at=clock.now() + 2 * LIMIT)
    clock.seconds += LIMIT + 1
    assert sessions.sweep() == Swept(0, 0)


# Failures.


def test_a_sweep_that_has_no_time_for_all_begins_with_those_that_have_just_become_idle(
    sessions: Sessions, clock: Clock
) -> None:
    """Otherwise the same ones would be left out of every sweep, until they end."""
    sessions.use("ended")
    clock.seconds += 28_300
    sessions.use("idle")
    clock.seconds += LIMIT + 1
    left = iter([500.0, 9.0])
    sessions.deadline = Deadline(900, now=lambda: 0.0)
    sessions.deadline.remaining = lambda: next(left)  # type: ignore[method-assign]  # time passes
    assert sessions.sweep() == Swept(1, 0)


def test_a_sweep_ends_before_the_function_does(sessions: Sessions, clock: Clock) -> None:
    for name in ("a", "b", "c"):
        sessions.use(name)
    clock.seconds += LIMIT + 1
    left = iter([500.0, 400.0, 9.0])
    sessions.deadline = Deadline(900, now=lambda: 0.0)
    sessions.deadline.remaining = lambda: next(left)  # type: ignore[method-assign]  # time passes
    assert sessions.sweep() == Swept(2, 0)


def test_a_sweep_that_is_cut_off_is_completed_by_a_later_one(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    sessions.use()
    clock.seconds += LIMIT + 1
    world.agentcore.before = refusing_to_stop
    assert sessions.sweep() == Swept(0, 1)
    world.agentcore.before = lambda operation, detail: None
    clock.seconds += LIMIT + 1
    assert sessions.sweep() == Swept(1, 0)
    assert world.agentcore.running == []
    clock.seconds += LIMIT + 1
    assert sessions.sweep() == Swept(0, 0)


def test_a_sweep_that_is_cut_off_is_completed_by_the_next_request(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    first = sessions.use()["session_id"]
    clock.seconds += LIMIT + 1
    world.agentcore.before = refusing_to_stop
    sessions.sweep()
    world.agentcore.before = lambda operation, detail: None
    response = sessions.use()
    assert response["session_restarted"] is True
    assert not world.agentcore.sandboxes[first].alive


def test_one_session_with_a_failure_does_not_keep_others_from_being_swept(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    for name in ("a", "s", "z"):
        sessions.use(name)
    clock.seconds += LIMIT + 1
    failing = sessions.record().session_id

    def refuse(operation: str, detail: str) -> None:
        if detail == failing:
            refusing_to_stop(operation, detail)

    world.agentcore.before = refuse
    assert sessions.sweep() == Swept(2, 1)


def refusing_to_stop(operation: str, _detail: str) -> None:
    if operation == "Stop":
        raise client_error("InternalServerException", 500, "StopCodeInterpreterSession")
