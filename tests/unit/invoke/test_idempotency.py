from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from code_interpreter_invoke.application import Application
from code_interpreter_invoke.clients import Bucket
from code_interpreter_invoke.deadline import Deadline
from code_interpreter_invoke.errors import OutcomeUnknownError
from code_interpreter_invoke.idempotency import IdempotencyKey
from code_interpreter_invoke.requests.request import direct_request
from code_interpreter_invoke.tools import code as code_tools
from tests.fakes.client_error import client_error
from tests.fakes.lambda_context import Context
from tests.fakes.s3 import BUCKET, RECORDS_PREFIX
from tests.fakes.world import World, clients_of

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


def test_a_repeated_call_gets_the_recorded_response_and_runs_nothing(world: World) -> None:
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
    response = call(world, code="print(2)")
    assert response["error"]["type"] == "InvalidRequest"
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
        responses = list(pool.map(one, range(5)))
    assert [response["stdout"] for response in responses] == ["1"] * 5
    assert sum("replayed" in response for response in responses) == 4
    assert executions(world) == 1


def test_what_did_not_start_may_be_repeated(world: World) -> None:
    failures = iter([client_error("AccessDeniedException", 403, "Invoke")])

    def fail(operation: str, _detail: str) -> None:
        if operation == "executeCode":
            for failure in failures:
                raise failure

    world.agentcore.before = fail
    assert call(world)["error"]["type"] == "NotStarted"
    response = call(world)
    assert response["stdout"] == "1"
    assert "replayed" not in response


def test_a_defect_of_the_function_is_an_outcome_that_stays_unknown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError

    with monkeypatch.context() as patch:
        patch.setattr(code_tools, "execute_code", broken)
        first = call(world)
    assert first["error"]["type"] == "OutcomeUnknown"
    assert call(world) == {**first, "replayed": True}
    assert executions(world) == 0


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
        response = call(world)
        assert response["error"]["type"] == "OutcomeUnknown"
        assert response["error"]["retryable"] is False
        assert "ended without recording a response" in response["error"]["message"]
    assert executions(world) == 1
    # Another key is another request.
    assert call(world, idempotency_key="order-18")["stdout"] == "2"


def test_a_response_that_comes_later_is_given_to_who_asks_again(world: World) -> None:
    running, go_on = threading.Event(), threading.Event()

    def wait(operation: str, _detail: str) -> None:
        if operation == "executeCode":
            running.set()
            go_on.wait(30)

    world.agentcore.before = wait
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(call, world)
        running.wait(30)
        # A caller without time to wait gets a retryable error, and nothing runs.
        early = world.new_function()(EVENT, Context(3))
        assert (early["error"]["type"], early["error"]["retryable"]) == ("OutcomeUnknown", True)
        go_on.set()
        assert call(world) == {**first.result(), "replayed": True}
    assert executions(world) == 1


def test_the_response_of_a_recorded_write_that_was_lost_is_recognised(world: World) -> None:
    lost = iter([True])

    def lose(operation: str, key: str) -> None:
        if operation == "PutObject" and "/responses/" in key and next(lost, False):
            raise client_error("PreconditionFailed", 412, "PutObject")

    world.s3.after = lose
    response = call(world)
    assert response["stdout"] == "1"
    assert "replayed" not in response


def test_a_recorded_response_whose_receipt_was_lost_is_recorded(world: World) -> None:
    def lose(operation: str, key: str) -> None:
        if operation == "PutObject" and "/responses/" in key and executions(world):
            raise client_error("PreconditionFailed", 412, "PutObject")

    world.s3.after = lose
    first = call(world)
    assert "warnings" not in first
    assert call(world) == {**first, "replayed": True}


@pytest.mark.parametrize(
    ("code", "status"), [("InternalError", 500), ("ConditionalRequestConflict", 409)]
)
def test_a_response_that_could_not_be_recorded_is_given_with_a_warning(
    world: World, code: str, status: int
) -> None:
    def fail(operation: str, key: str) -> None:
        if operation == "PutObject" and "/responses/" in key and executions(world):
            raise client_error(code, status, "PutObject")

    world.s3.before = fail
    response = call(world)
    assert response["stdout"] == "1"
    assert "not recorded" in response["warnings"][0]


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.mark.parametrize(("seconds", "retryable"), [(30, True), (600, False)])
def test_a_request_that_never_ended_is_waited_for_until_its_outcome_is_unknown(
    world: World, seconds: float, retryable: bool
) -> None:
    clock = Clock()

    def key(budget: float) -> IdempotencyKey:
        return IdempotencyKey(
            direct_request(EVENT),
            Bucket(clients_of(world.s3), BUCKET, Deadline(60)),
            RECORDS_PREFIX,
            Deadline(budget, now=clock.now),
            now=clock.now,
            sleep=clock.sleep,
        )

    assert key(300).recorded_response() is None
    began = clock.seconds
    with pytest.raises(OutcomeUnknownError) as unknown:
        key(seconds).recorded_response()
    assert unknown.value.retryable is retryable
    # Until this call's own deadline, or until the first one's has passed.
    assert clock.seconds - began == pytest.approx(min(seconds - 5, 300), abs=2)


def test_records_are_beside_those_of_the_sessions(world: World) -> None:
    call(world)
    [key] = [key for key in world.s3.objects if "/responses/" in key]
    assert key.startswith(RECORDS_PREFIX)
    assert json.loads(world.s3.objects[key][0])["status"] == "done"


def test_deployments_that_share_a_bucket_do_not_see_each_others_keys_and_sandboxes(
    world: World,
) -> None:
    other = "sessions/prod/111111111111.eu-west-1.Test.c8/"
    prod = Application(
        world.settings._replace(workspace_prefix="prod", records_prefix=other),
        clients_of(world.s3, world.agentcore),
    )
    first = call(world)
    second = prod.handle(EVENT, Context())
    assert "replayed" not in second
    assert second["session_id"] != first["session_id"]
    assert executions(world) == 2


def test_the_key_of_a_refused_request_is_free_for_the_corrected_one(world: World) -> None:
    refused = call(world, code="x", output_filename="../x")
    assert refused["error"]["type"] == "InvalidRequest"
    response = call(world)
    assert response["stdout"] == "1"
    assert "replayed" not in response
