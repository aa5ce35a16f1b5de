from __future__ import annotations

import json
import time
from ast import literal_eval
from collections.abc import Callable
from typing import Any

import pytest

from code_interpreter_invoke.sandbox.sandbox import MAX_OPERATION_BYTES
from tests.fakes.client_error import client_error
from tests.fakes.lambda_context import Context
from tests.fakes.s3 import BUCKET, PREFIX, RECORDS_PREFIX
from tests.fakes.world import World


def content(world: World, path: str, session: str = "s") -> str:
    response = world.ok("file_operations", session=session, operation="read", paths=[path])
    return str(response["files"][0]["content"])


def test_uploads_are_in_the_sandbox_for_the_first_request(world: World) -> None:
    world.s3.upload("s", "data.csv", b"1")
    world.s3.upload("s", "deep/er/\xc3\xbc b.bin", bytes(range(256)))
    world.s3.upload("s", "empty", b"")
    response = world.ok(
        "execute_code",
        session="s",
        code="print(*[len(p.read_bytes()) for p in sorted(here.rglob('*'))"
        " if p.is_file() and p.name != '.service'])",
    )
    assert response["stdout"] == "1 256 0"


def test_new_uploads_are_in_the_sandbox_for_the_next_request(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    world.s3.upload("s", "new.csv", b"new")
    assert content(world, "new.csv") == "new"


def test_an_upload_that_a_replacement_lacks_too_is_one_warning(world: World) -> None:
    world.s3.upload("s", "a\\b.csv", b"1")

    def end_first(operation: str, _detail: str) -> None:
        if operation == "executeCode" and len(world.agentcore.sandboxes) == 1:
            world.agentcore.end_all()

    world.agentcore.before = end_first
    response = world.ok("execute_code", session="s", code="x = 1")
    assert len(world.agentcore.sandboxes) == 2
    [warning] = response["warnings"]
    assert "was not loaded: it has a backslash" in warning


def test_an_upload_replaced_under_the_same_name_is_loaded_again(world: World) -> None:
    world.s3.upload("s", "data.csv", b"old")
    assert content(world, "data.csv") == "old"
    world.s3.upload("s", "data.csv", b"new")
    assert content(world, "data.csv") == "new"


def test_an_upload_that_the_sandbox_changed_is_not_loaded_again(world: World) -> None:
    world.s3.upload("s", "data.csv", b"old")
    world.ok("execute_code", session="s", code="(here / 'data.csv').write_text('changed')")
    world.s3.upload("s", "other.csv", b"other")
    # This instance does not load it again, nor does an instance that has not seen the session.
    assert content(world, "data.csv") == "changed"
    response = world.new_function()(
        {"tool": "file_operations", "session": "s", "operation": "read", "paths": ["data.csv"]},
        Context(),
    )
    assert response["files"][0]["content"] == "changed"


def test_an_instance_with_an_old_record_loads_no_upload_again(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    other = world.new_function()
    other({"tool": "execute_code", "session": "s", "code": "x"}, Context())
    world.s3.upload("s", "data.csv", b"old")
    world.ok("execute_code", session="s", code="(here / 'data.csv').write_text('changed')")
    response = other(
        {"tool": "file_operations", "session": "s", "operation": "read", "paths": ["data.csv"]},
        Context(),
    )
    assert response["files"][0]["content"] == "changed"


def test_every_page_of_the_listing_is_loaded(world: World) -> None:
    world.s3.page_size = 10
    for index in range(25):
        world.s3.upload("s", f"{index}.txt", b"x")
    response = world.ok("execute_code", session="s", code="print(len(list(here.glob('*.txt'))))")
    assert response["stdout"] == "25"


def test_many_small_uploads_are_written_by_few_operations(world: World) -> None:
    for index in range(250):
        world.s3.upload("s", f"{index}.txt", b"x")
    world.ok("execute_code", session="s", code="x = 1")
    assert world.agentcore.operations().count("writeFiles") == 3


def test_large_uploads_are_written_by_several_operations(world: World) -> None:
    for index in range(5):
        world.s3.upload("s", f"{index}.bin", bytes(MAX_OPERATION_BYTES // 2))
    world.ok("execute_code", session="s", code="x = 1")
    assert world.agentcore.operations().count("writeFiles") == 3


UNUSABLE = ["../up.txt", "a//b", "win\\sub\\q1.csv", "bad\tname", "a/./b", "/a", "file/", "x" * 701]


@pytest.mark.parametrize("key", UNUSABLE)
def test_an_upload_that_no_sandbox_can_have_is_named_once_a_sandbox(world: World, key: str) -> None:
    world.s3.upload("s", key, b"x")
    world.s3.upload("s", "good.txt", b"good")

    def read() -> list[str]:
        response = world.ok("file_operations", session="s", operation="read", path="good.txt")
        assert response["files"][0]["content"] == "good"
        return list(response.get("warnings", ()))

    [warning] = read()
    assert warning.startswith(f"{'uploads/' + key!r} was not loaded: it ")
    assert read() == []
    world.agentcore.end_all()
    assert read() == [warning]
    folders = world.agentcore.running[0].directory.parent.iterdir()
    assert {len(folder.name) for folder in folders} == {26}


def test_an_unusable_upload_of_a_running_sandbox_is_named_once(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    world.s3.upload("s", "a//b", b"x")
    assert "'uploads/a//b'" in world.ok("execute_code", session="s", code="x")["warnings"][0]
    assert "warnings" not in world.ok("execute_code", session="s", code="x")
    assert "warnings" not in world.new_function()(
        {"tool": "execute_code", "session": "s", "code": "x"}, Context()
    )


@pytest.mark.parametrize("key", ["", "folder/", "a//"])
def test_a_folder_marker_is_no_upload(world: World, key: str) -> None:
    world.s3.upload("s", key, b"")
    assert "warnings" not in world.ok("execute_code", session="s", code="x = 1")


def test_an_upload_that_cannot_be_written_is_a_warning(world: World) -> None:
    world.s3.upload("s", "log", b"there is a folder of this name")
    world.s3.upload("s", "good.txt", b"good")
    response = world.ok("execute_code", session="s", code="print((here / 'good.txt').read_text())")
    assert response["stdout"] == "good"
    assert response["warnings"] == ["uploads/log was not loaded: log is a directory"]
    # The warning comes once: only another version of the upload is tried again.
    world.forget_calls()
    assert "warnings" not in world.ok("execute_code", session="s", code="x = 1")
    assert world.agentcore.operations() == ["executeCode"]


def test_an_upload_that_is_removed_during_loading_is_left_out(world: World) -> None:
    world.s3.upload("s", "gone.txt", b"x")
    world.s3.upload("s", "good.txt", b"good")

    def vanish(operation: str, key: str) -> None:
        if operation == "GetObject" and key.endswith("gone.txt"):
            raise client_error("NoSuchKey", 404, "GetObject")

    world.s3.before = vanish
    response = world.ok("execute_code", session="s", code="print((here / 'good.txt').read_text())")
    assert response["stdout"] == "good"
    assert response["warnings"] == ["uploads/gone.txt was not loaded: it was removed meanwhile"]


def test_only_the_sessions_own_uploads_are_loaded(world: World) -> None:
    world.s3.upload("sales", "a.txt", b"x")
    world.s3.upload("sales-q3", "b.txt", b"x")
    world.s3.put_object(
        Bucket=BUCKET, Key=f"{PREFIX}/sales/uploads-old/c.txt", Body=b"not an upload"
    )
    response = world.ok(
        "execute_code", session="sales", code="print([p.name for p in here.glob('*.txt')])"
    )
    assert response["stdout"] == "['a.txt']"


# Uploads that are removed in the sandbox.


def files_in_sandbox(world: World) -> list[str]:
    code = "print(sorted(str(p.relative_to(here)) for p in here.rglob('*.csv')))"
    return list(literal_eval(world.ok("execute_code", session="s", code=code)["stdout"]))


def remove_by_tool(world: World, *paths: str) -> None:
    world.ok("file_operations", session="s", operation="remove", paths=list(paths))


def remove_by_operation(world: World, *paths: str) -> None:
    raw = {"name": "removeFiles", "arguments": {"paths": [f"./{path}" for path in paths]}}
    world.ok("invoke_code_interpreter", session="s", **raw)


@pytest.mark.parametrize("remove", [remove_by_tool, remove_by_operation])
def test_a_removed_upload_is_not_in_the_replacement(
    world: World, remove: Callable[..., None]
) -> None:
    for name in ("a.csv", "data/b.csv", "c.csv"):
        world.s3.upload("s", name, b"1")
    world.ok("execute_code", session="s", code="x = 1")
    remove(world, "a.csv", "data/b.csv")
    for _ in range(2):
        assert files_in_sandbox(world) == ["c.csv"]
        world.agentcore.end_all()
    response = world.new_function()(
        {"tool": "file_operations", "session": "s", "operation": "list"}, Context()
    )
    assert [entry["name"] for entry in response["entries"]] == [".service", "c.csv", "log"]
    world.s3.upload("s", "a.csv", b"2")
    assert files_in_sandbox(world) == ["a.csv", "c.csv"]
    world.agentcore.end_all()
    assert files_in_sandbox(world) == ["a.csv", "c.csv"]


def test_a_removal_outlasts_a_timeout_but_not_a_stop(world: World) -> None:
    world.s3.upload("s", "a.csv", b"1")
    world.ok("execute_code", session="s", code="x = 1")
    remove_by_tool(world, "a.csv")

    def time_out(operation: str, _detail: str) -> None:
        if operation == "executeCode":
            raise TimeoutError

    world.agentcore.before = time_out
    assert world("execute_code", session="s", code="x")["error"]["type"] == "TimedOut"
    world.agentcore.before = lambda operation, detail: None
    assert files_in_sandbox(world) == []
    world.ok("stop_session", session="s")
    assert files_in_sandbox(world) == ["a.csv"]


def test_a_removal_of_other_files_writes_no_record(world: World) -> None:
    world.s3.upload("s", "a.csv", b"1")
    world.ok("file_operations", session="s", operation="write", path="b.csv", text="1")
    world.forget_calls()
    remove_by_tool(world, "b.csv")
    assert world.s3.operations() == ["ListObjectsV2"]


def test_a_removal_meets_a_request_that_changed_the_record(world: World) -> None:
    world.s3.upload("s", "a.csv", b"1")
    world.ok("execute_code", session="s", code="x = 1")
    other = world.new_function()

    def load_another(operation: str, _detail: str) -> None:
        if operation == "removeFiles":
            world.agentcore.after = lambda operation, detail: None
            world.s3.upload("s", "b.csv", b"2")
            other({"tool": "execute_code", "session": "s", "code": "x"}, Context())

    world.agentcore.after = load_another
    remove_by_tool(world, "a.csv")
    assert files_in_sandbox(world) == ["b.csv"]
    world.agentcore.end_all()
    assert files_in_sandbox(world) == ["b.csv"]


def test_a_removal_waits_for_the_request_that_prepares_the_sandbox(world: World) -> None:
    """That request alone writes the record as long as it has the lease."""
    world.s3.upload("s", "a.csv", b"1")
    world.ok("execute_code", session="s", code="x = 1")
    key = f"{RECORDS_PREFIX}s.json"
    looks: list[str] = []

    def stored() -> dict[str, Any]:
        return dict(json.loads(world.s3.objects[key][0]))

    def set_lease(expires_at: float) -> None:
        body = json.dumps({**stored(), "lease_expires_at": expires_at}).encode()
        world.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def lease(operation: str, _detail: str) -> None:
        if operation == "removeFiles":
            set_lease(time.time() + 60)

    def release(operation: str, detail: str) -> None:
        if (operation, detail) == ("GetObject", key):
            looks.append(operation)
            if len(looks) == 2:
                set_lease(0.0)

    world.agentcore.after, world.s3.before = lease, release
    remove_by_tool(world, "a.csv")
    assert (list(stored()["removed_uploads"]), stored()["lease_expires_at"]) == (["a.csv"], 0.0)


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_removed_upload_comes_back_when_the_same_bytes_are_supplied_anew(
    world: World, is_replaced: bool
) -> None:
    world.s3.upload("s", "a.csv", b"1")
    for _ in range(2):
        assert files_in_sandbox(world) == ["a.csv"]
        remove_by_tool(world, "a.csv")
        assert files_in_sandbox(world) == []
        world.s3.upload("s", "a.csv", b"1")
        if is_replaced:
            world.agentcore.end_all()
    assert files_in_sandbox(world) == ["a.csv"]


def test_an_upload_that_was_removed_before_moments_were_recorded_stays_away(world: World) -> None:
    world.s3.upload("s", "a.csv", b"1")
    world.ok("execute_code", session="s", code="x = 1")
    remove_by_tool(world, "a.csv")
    key = f"{RECORDS_PREFIX}s.json"
    record = json.loads(world.s3.objects[key][0])
    del record["removed_supplied_at"]
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(record).encode())
    world.function = world.new_function()
    assert files_in_sandbox(world) == []


def test_removals_beyond_those_that_are_reported_are_looked_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("code_interpreter_invoke.sessions.named.MAX_REPORTED_NAMES", 2)
    names = ["a.csv", "b.csv", "c/d.csv", "kept.csv"]
    for name in names:
        world.s3.upload("s", name, b"1")
    world.ok("execute_code", session="s", code="import shutil")
    for name in names[:3]:
        (world.agentcore.running[0].directory / name).unlink()
    for name in ("x.csv", "y.csv"):
        world.ok("file_operations", session="s", operation="write", path=name, text="1")
    remove_by_tool(world, "x.csv", "y.csv")
    world.agentcore.end_all()
    assert files_in_sandbox(world) == ["kept.csv"]


def test_a_removal_that_cannot_be_recorded_is_a_warning(world: World) -> None:
    world.s3.upload("s", "a.csv", b"1")
    world.ok("execute_code", session="s", code="x = 1")

    def fail(operation: str, _key: str) -> None:
        if operation == "PutObject":
            raise client_error("SlowDown", 503, "PutObject")

    world.s3.before = fail
    response = world.ok("file_operations", session="s", operation="remove", path="a.csv")
    assert response["files_removed"] == ["a.csv"]
    assert "the removal was not recorded" in response["warnings"][0]
