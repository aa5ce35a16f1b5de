from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from code_interpreter_invoke.clients import CodeInterpreterClient, CurrentId
from code_interpreter_invoke.errors import NotStartedError
from code_interpreter_invoke.sessions.lease import LEASE_SECONDS
from code_interpreter_invoke.sessions.spare import NAME
from code_interpreter_invoke.sessions.store import SessionStore
from tests.fakes.agentcore import INTERPRETER
from tests.fakes.client_error import client_error
from tests.fakes.clock import Clock
from tests.fakes.s3 import PREFIX, RECORDS_PREFIX
from tests.fakes.world import World, clients_of

from .sessions import OWNER, Sessions

SPARE = f"{RECORDS_PREFIX}spares/next.json"
LIFE = 900


@pytest.fixture
def sessions(world: World, clock: Clock) -> Sessions:
    return with_spare(world, clock)


def with_spare(world: World, clock: Clock, identifier: str = INTERPRETER) -> Sessions:
    sessions = Sessions(world, clock, identifier)
    sessions.options = {"sessionTimeoutSeconds": LIFE}
    sessions.has_spare = True
    return sessions


def spare_id(sessions: Sessions) -> str:
    """Let there be a spare, and return its sandbox's id."""
    assert sessions.replenish() in ("started", "kept")
    return spare_id_of(sessions)


def spare_id_of(sessions: Sessions) -> str:
    spares = SessionStore(sessions.bucket, f"{RECORDS_PREFIX}spares/")
    return spares.read("next").record.session_id


# A session gets it.


def test_a_new_session_gets_the_spare(sessions: Sessions, world: World) -> None:
    spare = spare_id(sessions)
    world.forget_calls()
    response = sessions.use()
    assert response["session_id"] == spare
    assert "session_restarted" not in response
    assert world.agentcore.operations() == []
    assert len(world.s3.operations()) == 6


def test_the_record_is_that_of_a_sandbox_of_the_session_itself(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    sessions.replenish()
    clock.seconds += 10
    sessions.use("with")
    sessions.has_spare = False
    sessions.use("without")
    found, wanted = sessions.record("with"), sessions.record("without")
    assert found.expires_at == wanted.expires_at - 10
    assert found.observer == world.agentcore.sandboxes[found.session_id].mark
    assert set(found.initial_entries) == set(wanted.initial_entries)
    own = ("session_id", "observer", "expires_at", "initial_entries")
    same = {name: getattr(wanted, name) for name in own}
    assert found._replace(**same) == wanted


def test_the_uploads_are_those_of_the_session(sessions: Sessions, world: World) -> None:
    world.s3.upload(NAME, "other.csv", b"another's")
    world.s3.upload("next", "other.csv", b"another's")
    spare = spare_id(sessions)
    folder = world.agentcore.sandboxes[spare].directory
    assert sorted(path.name for path in folder.iterdir()) == [".service", "log"]
    world.s3.upload("s", "data.csv", b"1")
    assert sessions.use()["session_id"] == spare
    assert (folder / "data.csv").read_bytes() == b"1"
    assert not (folder / "other.csv").exists()


def test_it_is_for_one_session_only(sessions: Sessions, world: World) -> None:
    spare = spare_id(sessions)
    assert sessions.use("a")["session_id"] == spare
    assert sessions.use("b")["session_id"] != spare
    assert sessions.use("a")["session_id"] == spare
    assert world.agentcore.operations().count("Start") == 2


def test_of_many_that_claim_it_at_once_one_gets_it(world: World, clock: Clock) -> None:
    spare = spare_id(with_spare(world, clock))
    count = 8
    together = threading.Barrier(count)

    def wait(operation: str, key: str) -> None:
        if operation == "PutObject" and spare in key:
            together.wait(timeout=30)

    world.s3.before = wait
    found: list[str] = []

    def use(name: str) -> None:
        found.append(with_spare(world, clock).use(name)["session_id"])

    threads = [threading.Thread(target=use, args=(f"s{number}",)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == count
    assert found.count(spare) == 1


def test_of_many_first_requests_of_a_session_all_get_it(world: World, clock: Clock) -> None:
    spare = spare_id(with_spare(world, clock))
    waiting: list[str] = []
    threads: list[threading.Thread] = []
    first_is_ready = threading.Event()

    def wait_for_the_first() -> None:
        first_is_ready.wait(timeout=30)

    def meanwhile(operation: str, key: str) -> None:
        if operation == "PutObject" and spare in key:
            world.s3.before = lambda operation, key: None
            others = with_spare(world, clock)
            # It waits for the lease, which the first one gives up meanwhile.
            thread = threading.Thread(
                target=lambda: waiting.append(others.use()["session_id"]), daemon=True
            )
            clock.while_waiting = wait_for_the_first
            thread.start()
            threads.append(thread)

    world.s3.before = meanwhile
    first = with_spare(world, clock).use()["session_id"]
    first_is_ready.set()
    for thread in threads:
        thread.join(timeout=30)
    assert [first, *waiting] == [spare, spare]


def test_the_service_list_has_the_name_of_its_session(sessions: Sessions) -> None:
    spare = spare_id(sessions)
    assert sessions.spare.session_name(spare, NAME) == NAME
    sessions.use("sales")
    assert sessions.spare.session_name(spare, NAME) == "sales"


# A session does not get it.


def other_timeout(session: Any) -> None:
    session.start({"sessionTimeoutSeconds": 1_000}, None, None)


def setup(session: Any) -> None:
    session.start({}, "true", None)


def environment(session: Any) -> None:
    session.start({}, None, {"A": "b"})


@pytest.mark.parametrize("start", [other_timeout, setup, environment])
def test_a_session_with_settings_of_its_own_does_not_take_it(
    sessions: Sessions, start: Callable[[Any], None]
) -> None:
    spare = spare_id(sessions)
    start(sessions.session())
    assert sessions.record().session_id != spare
    assert sessions.spare.session_name(spare, NAME) == NAME


def test_the_replacement_of_a_sandbox_does_not_take_it(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    """A session that was stopped is new, and takes it."""
    sessions.use()
    spare = spare_id(sessions)
    world.agentcore.sandboxes[sessions.record().session_id].alive = False
    sessions.replace_record(expires_at=clock.now())
    sessions.cache.clear()
    response = sessions.use()
    assert response["session_restarted"] is True
    assert response["session_id"] != spare
    sessions.session().stop()
    assert sessions.use()["session_id"] == spare


def test_a_session_that_asks_for_the_default_takes_it(sessions: Sessions) -> None:
    spare = spare_id(sessions)
    sessions.session().start({"sessionTimeoutSeconds": LIFE}, None, None)
    assert sessions.record().session_id == spare


def test_a_request_takes_none_that_ends_before_its_program(
    sessions: Sessions, clock: Clock
) -> None:
    spare = spare_id(sessions)
    clock.seconds += 100
    response = sessions.use(timeout=LIFE - 50)
    assert response["session_id"] != spare
    assert "warnings" not in response


@pytest.mark.parametrize("age", [LIFE * 0.25 + 1, LIFE])
def test_an_old_one_is_left(sessions: Sessions, clock: Clock, age: float) -> None:
    spare = spare_id(sessions)
    clock.seconds += age
    assert sessions.use()["session_id"] != spare


def test_after_a_deployment_with_another_session_timeout_it_is_left_and_replaced(
    sessions: Sessions, world: World
) -> None:
    spare = spare_id(sessions)
    sessions.options = {"sessionTimeoutSeconds": 800}
    assert sessions.use()["session_id"] != spare
    assert sessions.replenish() == "started"
    assert not world.agentcore.sandboxes[spare].alive
    replacement = spare_id(sessions)
    assert sessions.use("another")["session_id"] == replacement


def test_after_the_replacement_of_the_code_interpreter_it_is_left_and_replaced(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    spare = spare_id(sessions)
    world.agentcore.replace("analysis-9876543210")
    later = with_spare(world, clock, "analysis-9876543210")
    assert later.use()["session_id"] != spare
    assert later.replenish() == "started"
    replacement = spare_id(later)
    assert later.use("another")["session_id"] == replacement


@pytest.mark.parametrize(
    ("key", "when"), [("next", "before"), ("{spare}", "before"), ("{spare}", "after")]
)
def test_while_s3_does_not_say_whose_it_is_nothing_is_started(
    sessions: Sessions, world: World, key: str, when: str
) -> None:
    """A later attempt that found the claim would forget a sandbox that was started instead."""
    spare = spare_id(sessions)
    failing = f"{RECORDS_PREFIX}spares/{key.format(spare=spare)}.json"

    def fail(operation: str, found: str) -> None:
        if found == failing:
            raise client_error("InternalError", 500, operation)

    setattr(world.s3, when, fail)
    with pytest.raises(NotStartedError) as failure:
        sessions.use()
    assert failure.value.retryable
    setattr(world.s3, when, lambda operation, found: None)
    response = sessions.use()
    assert (response["session_id"] == spare) == (when == "after")
    sessions.replenish()
    assert len(world.agentcore.running) == 2


def test_a_claim_whose_response_was_lost_is_found_again(sessions: Sessions, world: World) -> None:
    """The repeated request of botocore fails on the claim that it has itself written."""
    spare = spare_id(sessions)
    claim = f"{RECORDS_PREFIX}spares/{spare}.json"
    put = world.s3.put_object

    def twice(**arguments: Any) -> dict[str, Any]:
        response = put(**arguments)
        return put(**arguments) if arguments["Key"] == claim else response

    world.s3.put_object = twice  # type: ignore[method-assign]  # the repeated request
    assert sessions.use()["session_id"] == spare


def test_one_that_has_ended_is_replaced_within_the_request(
    sessions: Sessions, world: World
) -> None:
    world.s3.upload("s", "data.csv", b"1")
    spare = spare_id(sessions)
    world.agentcore.end_all()
    response = sessions.use()
    assert response["session_id"] != spare
    assert len(world.agentcore.running) == 1


# The upkeep.


def test_it_is_kept_while_it_stays_fresh_until_the_next_run(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    spare = spare_id(sessions)
    clock.seconds += 120
    assert sessions.replenish() == "kept"
    clock.seconds += 60
    assert sessions.replenish() == "started"
    assert not world.agentcore.sandboxes[spare].alive
    assert len(world.agentcore.running) == 1


def test_one_that_has_ended_is_replaced(sessions: Sessions, world: World) -> None:
    spare = spare_id(sessions)
    world.agentcore.end_all()
    assert sessions.replenish() == "started"
    assert sessions.use()["session_id"] != spare
    assert len(world.agentcore.running) == 1


def test_it_is_replaced_when_another_stack_has_replaced_the_code_interpreter(
    world: World, clock: Clock
) -> None:
    """No instance knows so yet: the parameter has the new id."""
    sessions = with_spare(world, clock)
    sessions.replenish()
    world.agentcore.replace("analysis-9876543210")
    world.parameters.values["id"] = "analysis-9876543210"
    current = CurrentId(INTERPRETER, "id", lambda: world.parameters)
    clients = clients_of(world.s3, world.agentcore)
    sessions.code_interpreter = CodeInterpreterClient(clients, current, sessions.deadline, OWNER)
    assert sessions.replenish() == "started"
    response = with_spare(world, clock, "analysis-9876543210").use()
    assert response["session_id"] == spare_id_of(sessions)


def test_it_is_replaced_once_it_has_an_owner(sessions: Sessions, world: World) -> None:
    spare = spare_id(sessions)
    sessions.use()
    assert sessions.replenish() == "started"
    assert world.agentcore.sandboxes[spare].alive
    assert len(world.agentcore.running) == 2
    assert sessions.spare.session_name(spare, NAME) == "s"


def test_one_that_is_retired_at_the_moment_of_a_claim_has_one_owner(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    """The session was first; the upkeep leaves the sandbox to it."""
    spare = spare_id(sessions)
    clock.seconds += 180
    others = with_spare(world, clock)
    claimed: list[dict[str, Any]] = []

    def claim(operation: str, key: str) -> None:
        if operation == "PutObject" and spare in key and not claimed:
            claimed.append({})
            claimed[0] = others.use()

    world.s3.before = claim
    assert sessions.replenish() == "started"
    assert claimed[0]["session_id"] == spare
    assert world.agentcore.sandboxes[spare].alive


def test_a_session_does_not_get_one_that_is_being_retired(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    spare = spare_id(sessions)
    clock.seconds += 180
    others = with_spare(world, clock)
    used: list[dict[str, Any]] = []

    def use(operation: str, key: str) -> None:
        if operation == "PutObject" and spare in key and not used:
            used.append({})
            used[0] = others.use()

    world.s3.after = use
    assert sessions.replenish() == "started"
    assert used[0]["session_id"] != spare
    assert not world.agentcore.sandboxes[spare].alive


@pytest.mark.parametrize("does_session_come_back", [False, True])
def test_one_whose_claimer_was_cut_off_is_not_forgotten(
    sessions: Sessions, world: World, clock: Clock, does_session_come_back: bool
) -> None:
    spare = spare_id(sessions)
    cut_off(world, sessions, "after", spare)
    # The claimer may still be at work.
    assert sessions.replenish() == "a session takes it"
    clock.seconds += LEASE_SECONDS + 1
    if does_session_come_back:
        assert sessions.use()["session_id"] == spare
    assert sessions.replenish() == "started"
    assert world.agentcore.sandboxes[spare].alive == does_session_come_back
    assert len(world.agentcore.running) == 1 + does_session_come_back


def test_one_that_was_not_stopped_when_it_was_retired_is_stopped(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    spare = spare_id(sessions)
    clock.seconds += 180

    def crash(operation: str, _detail: str) -> None:
        if operation == "Stop":
            raise SystemExit

    world.agentcore.before = crash
    with pytest.raises(SystemExit):
        sessions.replenish()
    world.agentcore.before = lambda operation, detail: None
    assert sessions.replenish() == "started"
    assert not world.agentcore.sandboxes[spare].alive
    assert len(world.agentcore.running) == 1


def test_a_start_that_is_taken_over_does_not_take_a_spare_that_came_later(
    sessions: Sessions, world: World, clock: Clock
) -> None:
    """The sandbox that the request had started would be forgotten."""
    cut_off(world, sessions, "before", f"{RECORDS_PREFIX}s.json", times=2)
    [begun] = world.agentcore.sandboxes
    spare_id(sessions)
    clock.seconds += LEASE_SECONDS + 1
    assert sessions.use()["session_id"] == begun
    assert len(world.agentcore.running) == 2


def cut_off(world: World, sessions: Sessions, when: str, key: str, times: int = 1) -> None:
    """Let a request of the session die before or after it writes a key for the nth time."""
    left = [times]

    def crash(operation: str, written: str) -> None:
        left[0] -= operation == "PutObject" and key in written
        if left[0] == 0:
            raise SystemExit

    setattr(world.s3, when, crash)
    with pytest.raises(SystemExit):
        sessions.use()
    setattr(world.s3, when, lambda operation, written: None)


def test_two_runs_at_once_start_one(sessions: Sessions, world: World, clock: Clock) -> None:
    others = with_spare(world, clock)
    said: list[str] = []

    def run(operation: str, _detail: str) -> None:
        if operation == "Start" and not said:
            said.append(others.replenish())

    world.agentcore.before = run
    assert sessions.replenish() == "started"
    assert said == ["another run prepares it"]
    assert len(world.agentcore.running) == 1


def test_a_start_that_was_cut_off_goes_on_with_the_same_sandbox(
    sessions: Sessions, world: World
) -> None:
    def fail(operation: str, _detail: str) -> None:
        if operation == "Start":
            raise client_error("InternalServerException", 500, "StartCodeInterpreterSession")

    world.agentcore.after = fail
    with pytest.raises(Exception, match="Starting a session"):
        sessions.replenish()
    world.agentcore.after = lambda operation, detail: None
    assert sessions.replenish() == "started"
    assert len(world.agentcore.running) == 1


def test_the_workspace_holds_nothing_of_it(sessions: Sessions, world: World) -> None:
    sessions.replenish()
    assert [key for key in world.s3.objects if key.startswith(PREFIX)] == []
    assert [key for key in world.s3.objects if not key.startswith(RECORDS_PREFIX)] == []
    assert SPARE in world.s3.objects
