from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

from code_interpreter_invoke.settings import Settings
from code_interpreter_invoke.upkeep import EVENT
from tests.fakes.client_error import client_error
from tests.fakes.lambda_context import Context
from tests.fakes.s3 import RECORDS_PREFIX
from tests.fakes.world import World
from tests.response_cases import gateway_context
from tests.sending import invoke

CANARY = "the-users-own"


@pytest.fixture
def world(world: World) -> World:
    """Return a function with a sweeper and a spare."""
    world.settings = world.settings._replace(idle_limit_seconds=600, warm_spare=True)
    world.function = world.new_function()
    return world


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    """Return the fields of the log lines, which come while the test runs."""
    lines: list[dict[str, Any]] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.__dict__)

    handler = Collector()
    logging.getLogger("code_interpreter_invoke.application").addHandler(handler)
    yield lines
    logging.getLogger("code_interpreter_invoke.application").removeHandler(handler)


def keep_up(world: World) -> dict[str, Any]:
    return world.function(EVENT, Context())


def test_the_schedule_sweeps_and_replenishes(world: World, logged: list[dict[str, Any]]) -> None:
    assert keep_up(world) == {"status": "ok"}
    world.ok("execute_code", session=CANARY, code=f"x = '{CANARY}'")
    assert world.agentcore.operations().count("Start") == 1
    world.ok("start_session", session="own", session_timeout_seconds=3_600)
    sandboxes = list(world.agentcore.sandboxes.values())
    for session in (CANARY, "own"):
        age(world, session, 601)
    assert keep_up(world) == {"status": "ok"}
    assert [sandbox.alive for sandbox in sandboxes] == [False, False]
    line = logged[-1]
    assert line["caller"] == "Scheduler"
    assert (line["sandboxes_swept"], line["sweeps_failed"], line["spare"]) == (2, 0, "started")
    assert CANARY not in str(line)
    response = world.ok("execute_code", session=CANARY, code="print(1)")
    assert response["session_restarted"] is True


def age(world: World, session: str, seconds: float) -> None:
    """Move a session's last use, and the last write of its record, into the past."""
    key = f"{RECORDS_PREFIX}{session}.json"
    record = json.loads(world.s3.objects[key][0])
    record["last_used_at"] -= seconds
    world.s3.now = lambda: time.time() - seconds
    world.s3.put_object(Bucket="workspace-bucket", Key=key, Body=json.dumps(record).encode())
    world.s3.now = time.time


def test_a_warm_request_is_one_invocation_and_one_listing(world: World) -> None:
    keep_up(world)
    world.ok("execute_code", session="s", code="x = 1")
    world.forget_calls()
    world.ok("execute_code", session="s", code="x = 2")
    assert world.agentcore.operations() == ["executeCode"]
    assert world.s3.operations() == ["ListObjectsV2"]


def test_a_first_request_with_the_spare_starts_and_prepares_nothing(world: World) -> None:
    keep_up(world)
    world.forget_calls()
    assert world.ok("execute_code", session="s", code="print(1)")["stdout"] == "1"
    assert world.agentcore.operations() == ["executeCode"]


def test_the_list_of_sessions_names_the_session_that_took_the_spare(world: World) -> None:
    keep_up(world)
    [name] = [detail for operation, detail in world.agentcore.calls if operation == "Start"]
    session_id = world.ok("execute_code", session="sales", code="1")["session_id"]
    world.agentcore.names[session_id] = name
    listed = world.ok("list_sessions")["sessions"]
    assert [(item["session"], item["session_id"]) for item in listed] == [("sales", session_id)]


def test_a_background_command_is_recorded(world: World) -> None:
    world.agentcore.results["startCommandExecution"] = {
        "content": [],
        "structuredContent": {"taskId": "17", "taskStatus": "submitted"},
        "isError": False,
    }
    arguments = {"command": "sleep 9"}
    world.ok(
        "invoke_code_interpreter", session="s", name="startCommandExecution", arguments=arguments
    )
    record = json.loads(world.s3.objects[f"{RECORDS_PREFIX}s.json"][0])
    assert record["tasks"] == ["17"]


# The event.


@pytest.mark.parametrize(
    "event",
    [
        {**EVENT, "session": "s"},
        {"schedule": "upkeep", "idle_limit_seconds": 0},
        {"schedule": "sweep"},
        {"schedule": ["upkeep"]},
    ],
)
def test_nothing_can_be_added_to_the_schedules_event(world: World, event: Any) -> None:
    response = world.function(event, Context())
    assert response["error"]["type"] == "InvalidRequest"
    assert world.agentcore.calls == []


def test_the_arguments_of_a_gateways_tool_are_not_the_schedules_event(world: World) -> None:
    response = invoke(world, EVENT, gateway_context("target___execute_code", None))
    assert response["error"]["type"] == "InvalidRequest"
    assert world.agentcore.calls == []


def test_a_caller_who_sends_it_does_what_the_schedule_would_do(world: World) -> None:
    """Nothing is idle, and there is a spare: nothing happens."""
    keep_up(world)
    world.ok("execute_code", session="s", code="x = 1")
    keep_up(world)
    world.forget_calls()
    for _ in range(3):
        keep_up(world)
    assert world.agentcore.operations() == ["Get"] * 3
    assert "PutObject" not in world.s3.operations()


def test_without_sweeper_and_spare_the_event_is_no_request(world: World) -> None:
    world.settings = world.settings._replace(idle_limit_seconds=0, warm_spare=False)
    response = world.new_function()(EVENT, Context())
    assert response["error"]["type"] == "InvalidRequest"


def test_a_failure_is_in_the_log_line_and_the_other_work_is_done(
    world: World, logged: list[dict[str, Any]]
) -> None:
    world.ok("start_session", session="s", session_timeout_seconds=3_600)
    age(world, "s", 601)
    _, etag, written_at = world.s3.objects[f"{RECORDS_PREFIX}s.json"]
    world.s3.objects[f"{RECORDS_PREFIX}broken.json"] = (b"no record", etag, written_at)

    def fail(operation: str, _detail: str) -> None:
        if operation == "Start":
            raise client_error("InternalServerException", 500, "StartCodeInterpreterSession")

    world.agentcore.before = fail
    assert keep_up(world)["status"] == "error"
    assert logged[-1]["error_type"] == "NotStarted"
    assert (logged[-1]["sandboxes_swept"], logged[-1]["sweeps_failed"]) == (1, 1)


def test_the_schedule_is_no_request_in_the_metrics(
    world: World, logged: list[dict[str, Any]]
) -> None:
    world.settings = world.settings._replace(metrics_namespace="CodeInterpreter")
    world.function = world.new_function()
    keep_up(world)
    assert "_aws" not in logged[-1]
    world.ok("execute_code", session="s", code="1")
    assert "_aws" in logged[-1]


# The settings.


def test_both_are_off_unless_the_deployment_says_so() -> None:
    environment = {
        "CODE_INTERPRETER_ID": "analysis-0123456789",
        "WORKSPACE_BUCKET": "bucket",
        "RECORDS_PREFIX": "sessions/a/",
        "SESSION_TIMEOUT_SECONDS": "900",
    }
    off = Settings.from_environment(environment)
    assert (off.idle_limit_seconds, off.warm_spare) == (0, False)
    on = Settings.from_environment(
        {**environment, "IDLE_LIMIT_SECONDS": "600", "WARM_SPARE": "true"}
    )
    assert (on.idle_limit_seconds, on.warm_spare) == (600, True)
