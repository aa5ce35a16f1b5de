from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from code_interpreter_invoke.clients import Bucket, CodeInterpreterClient, CurrentId
from code_interpreter_invoke.deadline import Deadline
from code_interpreter_invoke.errors import InvalidRequestError, NotStartedError
from code_interpreter_invoke.files.workspace import Workspace
from code_interpreter_invoke.sessions.lease import LEASE_SECONDS
from code_interpreter_invoke.sessions.named import NamedSession
from code_interpreter_invoke.sessions.store import SessionStore
from tests.fakes.agentcore import INTERPRETER
from tests.fakes.client_error import client_error
from tests.fakes.clock import Clock
from tests.fakes.lambda_context import Context
from tests.fakes.s3 import BUCKET, PREFIX, RECORDS_PREFIX
from tests.fakes.world import World, clients_of

RECORD = f"{RECORDS_PREFIX}s.json"


def session(
    world: World, clock: Clock, seconds: float = 900, code_interpreter: str = INTERPRETER
) -> NamedSession:
    clients = clients_of(world.s3, world.agentcore)
    world.agentcore.now = clock.now
    bucket = Bucket(clients, BUCKET, Deadline(60))
    return NamedSession(
        "s",
        store=SessionStore(bucket, RECORDS_PREFIX),
        code_interpreter=CodeInterpreterClient(
            clients, CurrentId(code_interpreter, None, lambda: None), Deadline(60), "owner"
        ),
        workspace=Workspace(bucket, PREFIX, "s"),
        deadline=Deadline(seconds, now=clock.now),
        options={"sessionTimeoutSeconds": 900},
        cache={},
        now=clock.now,
        sleep=clock.sleep,
    )


def in_parallel(count: int, work: Callable[[int], Any]) -> list[Any]:
    start = threading.Barrier(count)

    def each(index: int) -> Any:
        start.wait()
        return work(index)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(each, range(count)))


# One name, one sandbox.


def test_variables_and_files_last_for_the_session(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 41; (here / 'f').write_text('kept')")
    response = world.ok("execute_code", session="s", code="print(x + 1, (here / 'f').read_text())")
    assert response["stdout"] == "42 kept"
    assert "session_restarted" not in response


def test_a_warm_call_is_one_invocation_and_one_listing(world: World) -> None:
    world.s3.upload("s", "data.csv", b"1")
    world.ok("execute_code", session="s", code="x = 1")
    world.forget_calls()
    world.ok("execute_code", session="s", code="x = 2")
    assert world.agentcore.operations() == ["executeCode"]
    assert world.s3.operations() == ["ListObjectsV2"]


def test_another_instance_of_the_function_finds_the_sandbox(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    world.forget_calls()
    response = world.new_function()(
        {"tool": "execute_code", "session": "s", "code": "print(x)"}, Context()
    )
    assert response["stdout"] == "1"
    assert world.agentcore.operations() == ["executeCode"]


def test_sessions_do_not_see_each_other(world: World) -> None:
    world.s3.upload("a", "secret.txt", b"a's")
    world.ok("execute_code", session="a", code="x = 1")
    response = world(
        "execute_code", session="b", code="print(sorted(p.name for p in here.iterdir())); x"
    )
    assert "secret.txt" not in response["stdout"]
    assert "NameError" in response["stderr"]
    assert world.ok("workspace_list", session="b")["files"] == []


def test_many_first_calls_at_once_start_one_sandbox(world: World) -> None:
    world.s3.upload("s", "data.csv", b"1,2,3")
    event = {
        "tool": "execute_code",
        "session": "s",
        "code": "print((here / 'data.csv').read_text(), end='')",
    }
    # One interpreter for all: their output is not compared, only that it ran in one place.
    responses = in_parallel(20, lambda _: world.new_function()(event, Context()))
    assert {response["status"] for response in responses} == {"ok"}
    assert len({response["session_id"] for response in responses}) == 1
    assert len(world.agentcore.sandboxes) == 1
    assert world.agentcore.operations().count("executeCode") == 20
    assert not any("session_restarted" in response for response in responses)


def test_two_callers_of_a_dead_sandbox_replace_it_once_and_both_say_so(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    functions = [world.function, world.new_function()]
    for function in functions:
        function({"tool": "execute_code", "session": "s", "code": "x"}, Context())
    world.agentcore.end_all()
    # Both have found it dead before either replaces it.
    met = threading.Barrier(2)

    def meet(operation: str, _detail: str) -> None:
        if operation == "executeCode" and not world.agentcore.running:
            met.wait(10)

    world.agentcore.before = meet
    event = {"tool": "execute_code", "session": "s", "code": "x = 2"}
    responses = in_parallel(2, lambda index: functions[index](event, Context()))
    assert [response["status"] for response in responses] == ["ok", "ok"]
    assert [response["session_restarted"] for response in responses] == [True, True]
    assert len(world.agentcore.running) == 1


# A sandbox that has ended.


def test_a_dead_sandbox_is_replaced_with_uploads_loaded_again(world: World) -> None:
    world.s3.upload("s", "data.csv", b"1,2,3")
    world.ok("execute_code", session="s", code="x = 1")
    world.agentcore.end_all()
    response = world.ok("execute_code", session="s", code="print((here / 'data.csv').read_text())")
    assert response["stdout"] == "1,2,3"
    assert response["session_restarted"] is True


def test_a_replacement_is_told_once(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    other = world.new_function()
    other({"tool": "execute_code", "session": "s", "code": "x"}, Context())
    world.agentcore.end_all()
    assert world.ok("execute_code", session="s", code="x = 2")["session_restarted"]
    assert "session_restarted" not in world.ok("execute_code", session="s", code="x")
    # This instance still believes in the old one; its caller has been told by the other.
    response = other({"tool": "execute_code", "session": "s", "code": "print(x)"}, Context())
    assert response["stdout"] == "2"
    assert "session_restarted" not in response


def test_a_failing_program_in_a_replacement_says_so_too(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    world.agentcore.end_all()
    response = world("execute_code", session="s", code="print(x)")
    assert response["error"]["type"] == "CodeFailed"
    assert response["session_restarted"] is True


def test_an_expired_sandbox_is_stopped_before_it_is_replaced(world: World, clock: Clock) -> None:
    first = session(world, clock).sandbox()
    clock.seconds += 900
    second = session(world, clock)
    assert second.sandbox().session_id != first.session_id
    assert second.describe({"status": "ok"})["session_restarted"]
    assert len(world.agentcore.running) == 1


def test_an_expired_sandbox_is_replaced_by_one_with_other_options(
    world: World, clock: Clock
) -> None:
    first = session(world, clock).sandbox()
    clock.seconds += 900
    second = session(world, clock)
    assert second.start({"sessionTimeoutSeconds": 60}, None, None).session_id != first.session_id
    assert second.describe({"status": "ok"})["session_restarted"]
    assert len(world.agentcore.running) == 1
    assert world.agentcore.started_with == {"sessionTimeoutSeconds": 60}


def test_a_sandbox_that_seems_expired_at_once_is_used_all_the_same(
    world: World, clock: Clock
) -> None:
    one = session(world, clock)
    world.agentcore.now = lambda: clock.seconds - 10_000
    one.sandbox()
    assert len(world.agentcore.sandboxes) == 1


def test_stopping_a_session_is_not_losing_it(world: World) -> None:
    first = world.ok("execute_code", session="s", code="x = 1")
    assert world.ok("stop_session", session="s")["stopped"] is True
    assert world.agentcore.running == []
    second = world.ok("execute_code", session="s", code="x = 1")
    assert second["session_id"] != first["session_id"]
    assert "session_restarted" not in second


def test_a_sandbox_of_a_replaced_code_interpreter_is_replaced(world: World, clock: Clock) -> None:
    first = session(world, clock).sandbox()
    world.agentcore.identifier = "analysis-replacement"
    second = session(world, clock, code_interpreter="analysis-replacement")
    assert second.sandbox().session_id != first.session_id
    assert second.describe({"status": "ok"})["session_restarted"]
    # The earlier one is not the new code interpreter's to stop.
    assert "Stop" not in world.agentcore.operations()


# Crashes and lost responses.


def test_the_lease_of_a_crashed_request_is_taken_over_with_its_client_token(
    world: World, clock: Clock
) -> None:
    def crash(operation: str, _detail: str) -> None:
        if operation == "installObserver":
            raise SystemExit

    world.agentcore.before = crash
    with pytest.raises(SystemExit):
        session(world, clock).sandbox()
    world.agentcore.before = lambda operation, detail: None
    began = clock.seconds
    sandbox = session(world, clock).sandbox()
    assert LEASE_SECONDS <= clock.seconds - began < LEASE_SECONDS + 5
    # The sandbox that the crashed caller had started, not a second one.
    assert list(world.agentcore.sandboxes) == [sandbox.session_id]


def test_a_start_with_the_default_options_waits_for_one_without_options(
    world: World, clock: Clock
) -> None:
    world.agentcore.before = lambda operation, detail: exit()
    with pytest.raises(SystemExit):
        session(world, clock).sandbox()
    world.agentcore.before = lambda operation, detail: None
    second = session(world, clock)
    with pytest.raises(InvalidRequestError):
        second.start({"sessionTimeoutSeconds": 60}, None, None)
    assert (
        second.start({"sessionTimeoutSeconds": 900}, None, None).session_id
        in world.agentcore.sandboxes
    )
    assert len(world.agentcore.running) == 1


def test_a_caller_without_time_to_wait_is_told_to_come_back(world: World, clock: Clock) -> None:
    world.agentcore.before = lambda operation, detail: exit()
    with pytest.raises(SystemExit):
        session(world, clock).sandbox()
    with pytest.raises(NotStartedError, match="still preparing session s") as refused:
        session(world, clock, seconds=60).sandbox()
    assert refused.value.retryable


def test_the_lease_ends_with_the_function_that_holds_it(world: World, clock: Clock) -> None:
    world.agentcore.before = lambda operation, detail: exit()
    with pytest.raises(SystemExit):
        session(world, clock, seconds=30).sandbox()
    world.agentcore.before = lambda operation, detail: None
    began = clock.seconds
    session(world, clock).sandbox()
    assert clock.seconds - began <= 31


def test_a_request_whose_lease_was_taken_over_uses_the_other_ones_sandbox(
    world: World, clock: Clock
) -> None:
    slow = session(world, clock)
    fast: list[str] = []

    def overtake(operation: str, _detail: str) -> None:
        if operation == "installObserver" and not fast:
            fast.append("begun")
            clock.seconds += LEASE_SECONDS + 1
            fast.append(session(world, clock).sandbox().session_id)

    world.agentcore.before = overtake
    assert slow.sandbox().session_id == fast[-1]
    assert len(world.agentcore.running) == 1


def test_the_mark_of_a_late_installation_is_that_of_the_record(world: World, clock: Clock) -> None:
    """The report of the observer would otherwise be printed as the program's output."""
    test_a_request_whose_lease_was_taken_over_uses_the_other_ones_sandbox(world, clock)
    [sandbox] = world.agentcore.running
    assert session(world, clock).record().observer == sandbox.mark


def test_a_sandbox_that_an_instance_remembers_and_its_replacement_may_both_have_ended(
    world: World,
) -> None:
    program = {"session": "s", "code": "print(1)"}
    remembering = world.new_function()
    remembering({"tool": "execute_code", **program}, Context())
    for _ in range(2):
        world.agentcore.end_all()
        world.function = world.new_function()
        world.ok("execute_code", **program)
    world.agentcore.end_all()
    world.function = remembering
    assert world.ok("execute_code", **program)["session_restarted"]


def test_a_second_sandbox_is_stopped_where_tokens_are_not_honoured(
    world: World, clock: Clock
) -> None:
    world.agentcore.honours_tokens = False
    test_a_request_whose_lease_was_taken_over_uses_the_other_ones_sandbox(world, clock)
    assert len(world.agentcore.sandboxes) == 2


def test_a_write_whose_response_was_lost_is_recognised(world: World) -> None:
    lost = iter([True])

    def lose(operation: str, key: str) -> None:
        # Botocore's repeated request finds the object that the first one wrote.
        if operation == "PutObject" and key == RECORD and next(lost, False):
            raise client_error("PreconditionFailed", 412, "PutObject")

    world.s3.after = lose
    world.ok("execute_code", session="s", code="x = 1")
    assert len(world.agentcore.sandboxes) == 1


@pytest.mark.parametrize(
    ("operation", "error", "retryable"),
    [
        ("Start", client_error("ThrottlingException", 429, "Start"), True),
        ("Start", client_error("ServiceQuotaExceededException", 402, "Start"), True),
        ("Start", client_error("InternalServerException", 500, "Start"), True),
        ("Start", client_error("AccessDeniedException", 403, "Start"), False),
        ("Start", client_error("ValidationException", 400, "Start"), False),
        ("Start", ConnectTimeoutError(endpoint_url="x"), True),
        ("installObserver", client_error("ValidationException", 400, "Invoke"), False),
        ("installObserver", client_error("InternalServerException", 500, "Invoke"), True),
        ("writeFiles", client_error("ValidationException", 400, "Invoke"), False),
        ("writeFiles", KeyError("stream broke"), True),
    ],
)
def test_a_failed_preparation_ran_nothing_and_the_next_call_works(
    world: World, operation: str, error: Exception, retryable: bool
) -> None:
    world.s3.upload("s", "data.csv", b"1")
    failures = iter([error])

    def fail(called: str, _detail: str) -> None:
        if called == operation:
            for failure in failures:
                raise failure

    world.agentcore.before = fail
    response = world("execute_code", session="s", code="print('ran')")
    assert response["error"]["type"] == "NotStarted"
    assert response["error"]["retryable"] is retryable
    assert "executeCode" not in world.agentcore.operations()
    assert world.ok("execute_code", session="s", code="print('ran')")["stdout"] == "ran"
    assert len(world.agentcore.running) == 1


def test_a_missing_code_interpreter_is_not_found(world: World) -> None:
    missing = client_error("ResourceNotFoundException", 404, "Start", "no such interpreter")

    def fail(_operation: str, _detail: str) -> None:
        raise missing

    world.agentcore.before = fail
    for arguments in ({"session": "s"}, {}):
        response = world("execute_code", code="x", **arguments)
        assert response["error"]["type"] == "NotFound"
        assert "no such interpreter" in response["error"]["message"]


def test_a_sandbox_that_ends_while_it_is_prepared_is_replaced(world: World) -> None:
    world.s3.upload("s", "data.csv", b"1")
    world.ok("execute_code", session="s", code="x = 1")
    world.s3.upload("s", "new.csv", b"2")
    world.agentcore.end_all()
    # The new upload is what meets the dead sandbox first.
    response = world.ok("execute_code", session="s", code="print((here / 'data.csv').read_text())")
    assert response["stdout"] == "1"
    assert response["session_restarted"] is True
    assert len(world.agentcore.running) == 1


def test_members_of_newer_records_are_left_alone(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    body, _, _ = world.s3.objects[RECORD]
    world.s3.put_object(
        Bucket=BUCKET, Key=RECORD, Body=json.dumps({**json.loads(body), "later": 1}).encode()
    )
    response = world.new_function()(
        {"tool": "execute_code", "session": "s", "code": "print(x)"}, Context()
    )
    assert response["stdout"] == "1"


def test_a_missing_record_is_recognised_behind_a_403(world: World) -> None:
    """S3 says 403 for what is not there to callers that may not list the whole bucket."""

    def deny(operation: str, key: str) -> None:
        if operation == "GetObject" and key not in world.s3.objects:
            raise client_error("AccessDenied", 403, "GetObject")

    world.s3.before = deny
    world.ok("execute_code", session="s", code="x = 1")
    response = world("workspace_read", session="s", path="uploads/nope")
    assert response["error"]["type"] == "NotFound"


@pytest.mark.parametrize("refuses_missing", [True, False], ids=["403", "404"])
def test_a_record_that_expires_before_it_is_written_is_made_anew(
    world: World, *, refuses_missing: bool
) -> None:
    """The lifecycle rule of the bucket removes a record between two requests."""
    world.s3.refuses_missing = refuses_missing
    world.ok("execute_code", session="s", code="x = 1")
    world.agentcore.end_all()
    removals = iter([RECORD])

    def expire(operation: str, key: str) -> None:
        if (operation, key) == ("PutObject", RECORD) and next(removals, None):
            del world.s3.objects[RECORD]

    world.s3.before = expire
    assert world.ok("execute_code", session="s", code="print(2)")["stdout"] == "2"
    assert next(removals, None) is None
    assert RECORD in world.s3.objects


def test_a_denied_bucket_is_told(world: World) -> None:
    def deny(operation: str, _key: str) -> None:
        raise client_error("AccessDenied", 403, operation)

    world.s3.before = deny
    response = world("execute_code", session="s", code="x = 1")
    assert response["error"]["type"] == "NotStarted"
    assert response["error"]["retryable"] is False
    assert "AccessDenied" in response["error"]["message"]
    assert world.agentcore.operations() == []


def test_an_instance_remembers_a_bounded_number_of_sessions(world: World) -> None:
    for index in range(103):
        world.ok("execute_code", session=f"s{index}", code="x = 1")
    assert len(world.application._record_cache) <= 100


# Sessions of one call.


@pytest.mark.parametrize(
    ("code", "status"), [("print(1)", "ok"), ("1/0", "error"), ("x = (", "error")]
)
def test_a_call_without_a_session_leaves_nothing_to_pay_for(
    world: World, code: str, status: str
) -> None:
    assert world("execute_code", code=code)["status"] == status
    assert len(world.agentcore.sandboxes) == 1
    assert world.agentcore.running == []
    assert world.s3.calls == []


def test_its_files_are_found_under_the_name_in_its_response(world: World) -> None:
    response = world.ok(
        "execute_code", code="(here / 'a.txt').write_text('made')", output_filename="a.txt"
    )
    read = world.ok("workspace_read", session=response["session"], path=response["files_saved"][0])
    assert read["content"] == "made"
    assert world.agentcore.running == []


@pytest.mark.parametrize(
    ("failure", "is_retryable"),
    [
        (TimeoutError(), True),
        (client_error("InternalServerException", 500, "Invoke"), True),
        (client_error("ValidationException", 400, "Invoke"), False),
    ],
)
def test_nothing_of_a_program_runs_in_a_sandbox_that_cannot_be_prepared(
    world: World, failure: Exception, is_retryable: bool
) -> None:
    def fail(operation: str, _detail: str) -> None:
        if operation == "installObserver":
            raise failure

    world.agentcore.before = fail
    error = world("execute_code", code="print(1)")["error"]
    assert (error["type"], error["retryable"]) == ("NotStarted", is_retryable)
    assert "executeCode" not in world.agentcore.operations()
    assert world.agentcore.running == []


def test_a_stop_that_fails_does_not_spoil_the_response(world: World) -> None:
    def fail(operation: str, _detail: str) -> None:
        if operation == "Stop":
            raise client_error("InternalServerException", 500, "Stop")

    world.agentcore.before = fail
    assert world.ok("execute_code", code="print(1)")["stdout"] == "1"


# The end of the sandbox.


def test_every_response_of_a_named_session_says_when_its_sandbox_ends(world: World) -> None:
    expires_at = world.ok("start_session", session="s")["expires_at"]
    for tool, arguments in (
        ("execute_code", {"code": "x = 1"}),
        ("execute_code", {"code": "raise ValueError"}),
        ("execute_command", {"command": "ls"}),
        ("file_operations", {"operation": "list"}),
        ("ci_push_to_workspace", {}),
        ("ci_pull_from_workspace", {}),
        ("invoke_code_interpreter", {"name": "executeCode", "arguments": {"code": "x"}}),
        ("get_session", {}),
    ):
        assert world(tool, session="s", **arguments)["expires_at"] == expires_at, tool
    assert "expires_at" not in world("stop_session", session="s")


def test_a_sandbox_that_was_stopped_has_no_end(world: World) -> None:
    def time_out(operation: str, _detail: str) -> None:
        if operation == "executeCode":
            raise TimeoutError

    world.agentcore.before = time_out
    response = world("execute_code", session="s", code="x", timeout_seconds=800)
    assert response["error"]["type"] == "TimedOut"
    assert "expires_at" not in response


def test_a_sandbox_that_could_not_be_replaced_has_no_end(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    world.agentcore.end_all()

    def refuse(operation: str, _detail: str) -> None:
        if operation == "Start":
            raise client_error("ThrottlingException", 429, "Start")

    world.agentcore.before = refuse
    response = world("execute_code", session="s", code="x", timeout_seconds=800)
    assert response["error"]["type"] == "NotStarted"
    assert not {"expires_at", "warnings"} & response.keys()


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("execute_code", {"code": "x = 1"}),
        ("execute_code", {"code": "raise ValueError"}),
        ("execute_command", {"command": "ls"}),
        ("invoke_code_interpreter", {"name": "executeCode", "arguments": {"code": "x"}}),
    ],
)
def test_a_time_limit_beyond_the_end_of_the_sandbox_is_a_warning(
    world: World, tool: str, arguments: dict[str, Any]
) -> None:
    expires_at = world.ok("start_session", session="s", session_timeout_seconds=60)["expires_at"]
    response = world(tool, session="s", timeout_seconds=120, **arguments)
    [warning] = response["warnings"]
    assert "timeout_seconds is 120" in warning
    assert expires_at in warning
    for timeout in ({"timeout_seconds": 10}, {}):
        assert "warnings" not in world(tool, session="s", **timeout, **arguments)
