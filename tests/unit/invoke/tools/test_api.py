from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import pytest

from code_interpreter_invoke.application import Application
from code_interpreter_invoke.sandbox.observer_program import without_tag
from tests.fakes.agentcore import INTERPRETER, text_result
from tests.fakes.lambda_context import Context
from tests.fakes.world import World, clients_of

SECRET = {"location": {"secretsManager": {"secretArn": "arn:aws:secretsmanager:x:1:secret:ca"}}}
MOUNT = {"accessPointArn": "ap", "fileSystemArn": "fs", "mountPath": "/mnt/data"}


def invoke(world: World, name: str, **arguments: Any) -> dict[str, Any]:
    return world("invoke_code_interpreter", session="s", name=name, arguments=arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("executeCode", {"code": "x", "language": "javascript", "runtime": "nodejs"}),
        ("executeCode", {"code": "x", "language": "python", "clearContext": False}),
        ("executeCommand", {"command": "ls"}),
        ("readFiles", {"paths": ["a"]}),
        ("listFiles", {"directoryPath": ""}),
        ("listFiles", {"path": "."}),
        ("removeFiles", {"paths": ["a", "b"]}),
        ("startCommandExecution", {"command": "sleep 1"}),
        ("getTask", {"taskId": "7"}),
        ("stopTask", {"taskId": "7"}),
    ],
)
def test_operations_get_their_arguments_as_given(
    world: World, name: str, arguments: dict[str, Any]
) -> None:
    world.agentcore.results[name] = text_result("done")
    response = invoke(world, name, **arguments)
    assert response["status"] == "ok"
    assert name in world.agentcore.operations()
    sent = dict(world.agentcore.arguments)
    if "code" in sent:
        [sent["code"]] = without_tag([sent["code"]])
    assert sent == arguments


def test_an_operation_may_have_no_arguments(world: World) -> None:
    world.agentcore.results["listFiles"] = text_result("done")
    assert world.ok("invoke_code_interpreter", session="s", name="listFiles")
    assert world.agentcore.arguments == {}


def test_blobs_are_base64_both_ways(world: World) -> None:
    blob = base64.b64encode(b"\x00\xff").decode()
    invoke(world, "writeFiles", content=[{"path": "a/b", "blob": blob}, {"path": "c", "text": "ü"}])
    assert world.agentcore.arguments["content"][0] == {"path": "a/b", "blob": b"\x00\xff"}
    response = invoke(world, "readFiles", paths=["a/b", "c"])
    assert [
        block["resource"].get("blob", block["resource"].get("text"))
        for block in response["content"]
    ] == [
        blob,
        "ü",
    ]


def test_a_result_is_returned_as_it_is(world: World) -> None:
    result = {
        "content": [{"type": "text", "text": "Task is working"}],
        "structuredContent": {"taskStatus": "working", "stdout": "", "stderr": ""},
        "isError": False,
    }
    world.agentcore.results["getTask"] = result
    response = invoke(world, "getTask", taskId="7")
    assert {name: response[name] for name in result} == result


def test_an_error_in_a_result_is_an_error(world: World) -> None:
    response = invoke(world, "readFiles", paths=["nope"])
    assert response["error"]["type"] == "CodeFailed"
    assert response["isError"] is True
    assert response["content"] == [{"type": "text", "text": "nope does not exist"}]


def test_a_task_nobody_knows_is_not_found(world: World) -> None:
    world.agentcore.results["getTask"] = text_result("unknown task", error=True)
    assert invoke(world, "getTask", taskId="7")["error"]["type"] == "NotFound"


def test_a_task_that_failed_has_failed(world: World) -> None:
    world.agentcore.results["getTask"] = {
        "content": [],
        "structuredContent": {"taskStatus": "failed", "stdout": "so far", "exitCode": 2},
        "isError": True,
    }
    response = invoke(world, "getTask", taskId="7")
    assert response["error"]["type"] == "CodeFailed"
    assert response["structuredContent"]["stdout"] == "so far"


def test_content_needs_text_or_blob(world: World) -> None:
    response = invoke(world, "writeFiles", content=[{"path": "a"}])
    assert response["error"]["type"] == "InvalidRequest"
    assert world.agentcore.calls == []


def test_traces_are_passed_on(world: World) -> None:
    trace = {"trace_id": "Root=1-x", "trace_parent": "00-ab-cd-01"}
    world.ok("execute_code", code="x = 1", **trace)
    passed = {"traceId": "Root=1-x", "traceParent": "00-ab-cd-01"}
    assert world.agentcore.trace == passed
    assert world.agentcore.started_with == {"sessionTimeoutSeconds": 900, **passed}


# Sessions.


def test_a_session_is_started_with_options_that_its_replacements_have_too(world: World) -> None:
    world.s3.upload("s", "data.csv", b"1")
    response = world.ok(
        "start_session",
        session="s",
        session_timeout_seconds=60,
        certificates=[SECRET],
        filesystems=[{"efsConfiguration": MOUNT}],
    )
    assert response["session_status"] == "READY"
    options = {
        "sessionTimeoutSeconds": 60,
        "certificates": [SECRET],
        "filesystemConfigurations": [{"efsConfiguration": MOUNT}],
    }
    assert world.agentcore.started_with == options
    assert (world.agentcore.running[0].directory / "data.csv").exists()
    world.agentcore.end_all()
    world.agentcore.started_with = {}
    again = world.ok("execute_code", session="s", code="x = 1")
    assert again["session_restarted"] is True
    assert world.agentcore.started_with == options


def test_the_expiry_is_that_of_the_service(world: World) -> None:
    world.agentcore.now = lambda: 1_800_000_000.0
    response = world.ok("start_session", session="s", session_timeout_seconds=60)
    assert datetime.fromisoformat(response["expires_at"]).timestamp() == 1_800_000_060


def test_starting_a_session_again_changes_nothing(world: World) -> None:
    first = world.ok("start_session", session="s", session_timeout_seconds=600)
    assert world.ok("start_session", session="s")["session_id"] == first["session_id"]
    again = world.ok("start_session", session="s", session_timeout_seconds=600)
    assert again["session_id"] == first["session_id"]
    response = world("start_session", session="s", session_timeout_seconds=700)
    assert response["error"]["type"] == "InvalidRequest"
    assert "stop it first" in response["error"]["message"]


def test_a_stopped_session_can_be_started_with_other_options(world: World) -> None:
    world.ok("start_session", session="s", session_timeout_seconds=600)
    world.ok("stop_session", session="s")
    world.ok("start_session", session="s", session_timeout_seconds=700)
    assert world.agentcore.started_with == {"sessionTimeoutSeconds": 700}


@pytest.mark.parametrize("options", [{}, {"session_timeout_seconds": 700}])
def test_a_session_that_another_instance_stopped_is_started(
    world: World, options: dict[str, Any]
) -> None:
    first = world.ok("start_session", session="s")
    world.new_function()({"tool": "stop_session", "session": "s"}, Context())
    second = world.ok("start_session", session="s", **options)
    assert second["session_id"] != first["session_id"]
    assert len(world.agentcore.running) == 1
    assert "session_restarted" not in second


@pytest.mark.parametrize(
    "filesystem", [{}, {"efsConfiguration": MOUNT, "s3FilesConfiguration": MOUNT}]
)
def test_a_file_system_is_of_one_kind(world: World, filesystem: dict[str, Any]) -> None:
    response = world("start_session", session="s", filesystems=[filesystem])
    assert response["error"]["type"] == "InvalidRequest"
    assert world.agentcore.calls == []


def test_a_session_is_described(world: World) -> None:
    assert world("get_session", session="s")["error"]["type"] == "NotFound"
    started = world.ok("start_session", session="s")
    response = world.ok("get_session", session="s")
    assert response["session_id"] == started["session_id"]
    assert response["session_status"] == "READY"
    assert response["expires_at"] == started["expires_at"]
    world.agentcore.end_all()
    ended = world.ok("get_session", session="s")
    assert ended["session_status"] == "TERMINATED"
    assert "expires_at" not in ended


def test_sessions_are_listed_by_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's pages, which are of one session here, are no matter of the caller's."""
    monkeypatch.setattr("code_interpreter_invoke.tools.sessions.MAX_LISTED", 2)
    for name in "abcd":
        world.ok("start_session", session=name)
    world.ok("stop_session", session="b")
    first = world.ok("list_sessions", status="READY")
    assert [item["session"] for item in first["sessions"]] == ["d", "c"]
    assert (first["count"], first["truncated"]) == (2, True)
    last = world.ok("list_sessions", next_token=first["next_token"])
    assert [item["session"] for item in last["sessions"]] == ["b", "a"]
    # An ended session moves no other to another page.
    world.ok("stop_session", session="c")
    last = world.ok("list_sessions", status="READY", next_token=first["next_token"])
    assert [item["session"] for item in last["sessions"]] == ["a"]
    assert "next_token" not in last
    assert "session" not in last


@pytest.mark.parametrize(
    "place",
    [
        {"records_prefix": "sessions/tenants/globex/1.r.Test.c8/"},
        {"workspace_bucket": "another-bucket"},
    ],
)
def test_the_sandboxes_of_another_function_are_not_listed(
    world: World, place: dict[str, Any]
) -> None:
    """Both functions use the code interpreter, and their sessions may have the same names."""
    theirs = Application(
        world.settings._replace(**place), clients_of(None, world.agentcore), lambda: None
    )
    for function in (world.function, theirs.handle):
        function({"tool": "execute_command", "command": "true"}, Context())
    world.ok("start_session", session="s")
    owner = world.settings.owner
    # Somebody uses the API, and another function's caller begins a name like ours.
    for name in ("s", f"s-{owner}-of-others", owner):
        world.agentcore.start_code_interpreter_session(
            codeInterpreterIdentifier=INTERPRETER,
            clientToken=f"{name:40}",
            name=name,
            sessionTimeoutSeconds=900,
        )
    assert len(world.agentcore.sandboxes) == 6
    own, temporary = world.ok("list_sessions")["sessions"]
    assert (own["session"], own["session_status"]) == ("s", "READY")
    assert temporary["session"].startswith("call-")
    [other] = theirs.handle({"tool": "list_sessions"}, Context())["sessions"]
    assert other["session_id"] not in (own["session_id"], temporary["session_id"])


def test_the_function_names_its_sandboxes_for_the_service(world: World) -> None:
    """The API's limit is 100 characters; the console of the service shows the names, too."""
    world.ok("start_session", session="s" * 64)
    [name] = world.agentcore.names.values()
    assert name == f"{'s' * 64}-{world.settings.owner}"
    assert len(name) <= 100


def test_stopping_twice_is_no_failure(world: World) -> None:
    assert world.ok("stop_session", session="s")["stopped"] is False
    world.ok("start_session", session="s")
    assert world.ok("stop_session", session="s")["stopped"] is True
    assert world.ok("stop_session", session="s")["stopped"] is False
