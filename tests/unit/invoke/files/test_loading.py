from __future__ import annotations

import pytest

from code_interpreter_invoke.sandbox.sandbox import MAX_OPERATION_BYTES
from tests.fakes.client_error import client_error
from tests.fakes.lambda_context import Context
from tests.fakes.s3 import BUCKET, PREFIX
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
