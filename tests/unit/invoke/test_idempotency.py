from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from code_interpreter_invoke.clients import Bucket, Clients
from code_interpreter_invoke.deadline import Deadline
from code_interpreter_invoke.errors import OutcomeUnknownError
from code_interpreter_invoke.idempotency import RecordedCall
from code_interpreter_invoke.requests.request import direct_request
from tests.fakes.client_error import client_error
from tests.fakes.lambda_context import Context
from tests.fakes.s3 import BUCKET
from tests.fakes.world import World

EVENT = {
    "tool": "execute_code",
    "session": "s",
    "code": "n = globals().get('n', 0) + 1; print(n)",
    "idempotency_key": "order-17",
}


def call(world: World, **changes: Any) -> dict[str, Any]:
    return world.new_function()({**EVENT, **changes}, Context())


def executions(world: World) -> int:
    return world.agentcore.operations().count("executeCode")


def test_a_repeated_call_gets_the_recorded_answer_and_runs_nothing(world: World) -> None:
    first = call(world)
    again = call(world)
    assert again == {**first, "replayed": True}
    assert first["stdout"] == "1"
    assert executions(world) == 1


def test_failures_are_recorded_too(world: World) -> None:
    first = call(world, code="1/0")
    assert call(world, code="1/0") == {**first, "replayed": True}
    assert executions(world) == 1


def test_keys_are_of_a_session(world: World) -> None:
    assert call(world)["stdout"] == "1"
    assert call(world, idempotency_key="order-18")["stdout"] == "2"
    assert call(world, session="other")["stdout"] == "1"
    assert executions(world) == 3


def test_a_key_works_without_a_session(world: World) -> None:
    event = {name: EVENT[name] for name in EVENT if name != "session"}
    first = world.new_function()(event, Context())
    assert world.new_function()(event, Context()) == {**first, "replayed": True}
    assert executions(world) == 1


def test_a_key_given_to_another_request_is_refused(world: World) -> None:
    call(world)
    answer = call(world, code="print(2)")
    assert answer["error"]["type"] == "InvalidRequest"
    assert executions(world) == 1


def test_what_is_kept_to_compare_requests_is_not_the_request(world: World) -> None:
    call(world, code="secret_code = 1")
    for content, _, _ in world.s3.objects.values():
        assert b"secret_code" not in content


def test_calls_at_the_same_time_run_once(world: World) -> None:
    start = threading.Barrier(5)

    def one(_: int) -> dict[str, Any]:
        start.wait()
        return call(world)

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(one, range(5)))
    assert [answer["stdout"] for answer in answers] == ["1"] * 5
    assert sum("replayed" in answer for answer in answers) == 4
    assert executions(world) == 1


def test_what_did_not_start_may_be_repeated(world: World) -> None:
    failures = iter([client_error("ThrottlingException", 429, "Invoke")])

    def fail(operation: str, _detail: str) -> None:
        if operation == "executeCode":
            for failure in failures:
                raise failure

    world.agentcore.before = fail
    assert call(world)["error"]["type"] == "NotStarted"
    answer = call(world)
    assert answer["stdout"] == "1"
    assert "replayed" not in answer


def test_an_unknown_outcome_stays_unknown(world: World) -> None:
    def lose(operation: str, _detail: str) -> None:
        if operation == "executeCode":
            raise ConnectionResetError

    world.agentcore.after = lose
    first = call(world)
    assert first["error"]["type"] == "OutcomeUnknown"
    world.agentcore.after = lambda operation, detail: None
    assert call(world) == {**first, "replayed": True}
    assert executions(world) == 1


def test_an_instance_that_is_killed_while_code_runs_leaves_an_unknown_outcome(
    world: World,
) -> None:
    def kill(operation: str, _detail: str) -> None:
        if operation == "executeCode":
            raise SystemExit

    world.agentcore.after = kill
    with pytest.raises(SystemExit):
        world.new_function()(EVENT, Context(0.2))
    world.agentcore.after = lambda operation, detail: None
    for _ in range(2):
        answer = call(world)
        assert answer["error"]["type"] == "OutcomeUnknown"
        assert answer["error"]["retryable"] is False
        assert "did not come to its end" in answer["error"]["message"]
    assert executions(world) == 1
    # Another key is another request.
    assert call(world, idempotency_key="order-18")["stdout"] == "2"


def test_an_answer_that_comes_later_is_given_to_who_asks_again(world: World) -> None:
    running, go_on = threading.Event(), threading.Event()

    def wait(operation: str, _detail: str) -> None:
        if operation == "executeCode":
            running.set()
            go_on.wait(30)

    world.agentcore.before = wait
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(call, world)
        running.wait(30)
        # Who has no time to wait is told to ask again, and nothing runs.
        early = world.new_function()(EVENT, Context(3))
        assert (early["error"]["type"], early["error"]["retryable"]) == ("OutcomeUnknown", True)
        go_on.set()
        assert call(world) == {**first.result(), "replayed": True}
    assert executions(world) == 1


def test_the_answer_of_a_recorded_write_that_was_lost_is_recognised(world: World) -> None:
    lost = iter([True])

    def lose(operation: str, key: str) -> None:
        if operation == "PutObject" and ".answers" in key and next(lost, False):
            raise client_error("PreconditionFailed", 412, "PutObject")

    world.s3.after = lose
    answer = call(world)
    assert answer["stdout"] == "1"
    assert "replayed" not in answer


def test_a_recorded_answer_whose_receipt_was_lost_is_recorded(world: World) -> None:
    def lose(operation: str, key: str) -> None:
        if operation == "PutObject" and ".answers" in key and executions(world):
            raise client_error("PreconditionFailed", 412, "PutObject")

    world.s3.after = lose
    first = call(world)
    assert "warnings" not in first
    assert call(world) == {**first, "replayed": True}


def test_an_answer_that_could_not_be_recorded_is_given_with_a_warning(world: World) -> None:
    def fail(operation: str, key: str) -> None:
        if operation == "PutObject" and ".answers" in key and executions(world):
            raise client_error("InternalError", 500, "PutObject")

    world.s3.before = fail
    answer = call(world)
    assert answer["stdout"] == "1"
    assert "not recorded" in answer["warnings"][0]


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.mark.parametrize(("seconds", "retryable"), [(30, True), (600, False)])
def test_a_call_that_never_answered_is_waited_for_and_then_unknown(
    world: World, seconds: float, retryable: bool
) -> None:
    clock = Clock()

    def recorded(budget: float) -> RecordedCall:
        clients = Clients(agentcore_single_attempt=None, agentcore=None, s3=world.s3)
        return RecordedCall(
            direct_request(EVENT),
            Bucket(clients, BUCKET, Deadline(60)),
            Deadline(budget, now=clock.now),
            now=clock.now,
            sleep=clock.sleep,
        )

    def crash() -> dict[str, Any]:
        raise SystemExit

    with pytest.raises(SystemExit):
        recorded(300).answer(crash)
    began = clock.seconds
    with pytest.raises(OutcomeUnknownError) as unknown:
        recorded(seconds).answer(crash)
    assert unknown.value.retryable is retryable
    # Until this call's own deadline, or until the first one's has passed.
    assert clock.seconds - began == pytest.approx(min(seconds - 5, 300), abs=2)


def test_records_are_beside_those_of_the_sessions(world: World) -> None:
    call(world)
    [key] = [key for key in world.s3.objects if ".answers" in key]
    assert key.startswith("sessions/.answers/")
    assert json.loads(world.s3.objects[key][0])["state"] == "done"
