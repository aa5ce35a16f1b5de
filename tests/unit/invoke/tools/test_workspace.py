from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from code_interpreter_invoke.requests.tools import EVENT_SCHEMAS
from code_interpreter_invoke.sandbox.sandbox import MAX_OPERATION_BYTES
from tests.fakes.client_error import client_error
from tests.fakes.s3 import BUCKET, PREFIX
from tests.fakes.world import World
from tests.response_cases import Case
from tests.sending import send


def put(world: World, path: str, content: bytes, session: str = "s") -> None:
    world.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{session}/{path}", Body=content)


def directory(world: World) -> Path:
    return world.agentcore.running[0].directory


# ci_pull_from_workspace.


def pull(world: World, *paths: str) -> dict[str, Any]:
    return world("ci_pull_from_workspace", session="s", **({"paths": list(paths)} if paths else {}))


CONTENTS = {
    "text.txt": "ü\r\n'\"\\".encode(),
    "deep/er/all.bin": bytes(range(256)),
    "empty": b"",
    "a b/$(x).csv": b"1",
}


def test_pushed_files_come_back_to_a_new_sandbox_byte_for_byte(world: World) -> None:
    for path, content in CONTENTS.items():
        put(world, f"code-interpreter/{path}", content)
    put(world, "code-interpreter/responses/0.json", b"{}")
    response = pull(world)
    assert response["status"] == "ok"
    assert sorted(response["files_loaded"]) == sorted(CONTENTS)
    assert response["count"] == len(CONTENTS)
    assert {path: (directory(world) / path).read_bytes() for path in CONTENTS} == CONTENTS
    assert not (directory(world) / "responses").exists()


def test_what_was_pushed_is_pulled_into_the_replacement(world: World) -> None:
    code = "(here / 'model.bin').write_bytes(b'\\xff' * 10)"
    world.ok("execute_code", session="s", code=code)
    world.ok("ci_push_to_workspace", session="s")
    world.agentcore.end_all()
    response = pull(world)
    assert (response["files_loaded"], response["session_restarted"]) == (["model.bin"], True)
    assert (directory(world) / "model.bin").read_bytes() == b"\xff" * 10


@pytest.mark.parametrize(
    ("paths", "loaded"),
    [
        (["code-interpreter/a.csv"], ["a.csv"]),
        (["./code-interpreter/a.csv", "uploads/b.csv"], ["a.csv", "b.csv"]),
        (["code-interpreter/a.csv", "code-interpreter/a.csv"], ["a.csv"]),
        (["code-interpreter/data"], ["data/c.csv", "data/d.csv"]),
        (["code-interpreter/data/", "code-interpreter/data/c.csv"], ["data/c.csv", "data/d.csv"]),
        (["code-interpreter"], ["a.csv", "data/c.csv", "data/d.csv"]),
        (["uploads/"], ["b.csv"]),
        (["code-interpreter/responses/0.json"], ["responses/0.json"]),
    ],
)
def test_named_files_and_folders_are_pulled(
    world: World, paths: list[str], loaded: list[str]
) -> None:
    for path in ("a.csv", "data/c.csv", "data/d.csv", "responses/0.json"):
        put(world, f"code-interpreter/{path}", path.encode())
    put(world, "uploads/b.csv", b"b.csv")
    put(world, "code-interpreter/f.csv", b"of another", session="t")
    response = pull(world, *paths)
    assert (response["status"], response["files_loaded"]) == ("ok", loaded)
    assert {(directory(world) / path).read_bytes() for path in loaded} == {
        path.encode() for path in loaded
    }


@pytest.mark.parametrize(
    "missing", ["code-interpreter/no.csv", "uploads/no.csv", "code-interpreter/a", "uploads"]
)
def test_missing_files_are_named_before_anything_is_written(world: World, missing: str) -> None:
    put(world, "code-interpreter/a.csv", b"1")
    response = pull(world, "code-interpreter/a.csv", missing)
    assert response["error"]["type"] == "NotFound"
    assert repr(missing) in response["error"]["message"]
    assert "a.csv" not in response["error"]["message"]
    assert world.agentcore.calls == []


@pytest.mark.parametrize(
    "path", ["a.csv", "../t/uploads/x", "/uploads/x", "uploads//x", "sessions"]
)
def test_paths_outside_the_workspace_are_refused(world: World, path: str) -> None:
    assert pull(world, path)["error"]["type"] == "InvalidRequest"
    assert world.agentcore.calls == world.s3.calls == []


def test_files_that_would_overwrite_each_other_are_refused(world: World) -> None:
    put(world, "uploads/a.csv", b"1")
    put(world, "code-interpreter/a.csv", b"2")
    response = pull(world, "uploads/a.csv", "code-interpreter/a.csv")
    assert response["error"]["type"] == "InvalidRequest"
    assert "'a.csv'" in response["error"]["message"]
    assert world.agentcore.calls == []


def test_a_pulled_file_replaces_the_sandboxs(world: World) -> None:
    put(world, "uploads/a.csv", b"supplied")
    world.ok("execute_code", session="s", code="(here / 'a.csv').write_text('changed')")
    assert pull(world, "uploads/a.csv")["files_loaded"] == ["a.csv"]
    assert (directory(world) / "a.csv").read_bytes() == b"supplied"


def test_a_pull_says_which_files_it_could_not_load(world: World) -> None:
    name = "code-interpreter/win\\x"
    for path in (name, "code-interpreter/log", "code-interpreter/good.txt"):
        put(world, path, b"x")
    response = pull(world)
    assert (response["status"], response["files_loaded"]) == ("partial", ["good.txt"])
    assert sorted(response["warnings"]) == [
        f"{name!r} was not loaded: it has a backslash; folders are separated by /",
        "code-interpreter/log was not loaded: log is a directory",
    ]


def test_a_pull_that_fails_after_its_first_batch_says_what_it_loaded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("code_interpreter_invoke.files.batches.MAX_OPERATION_FILES", 2)
    for name in "abcde":
        put(world, f"code-interpreter/{name}", b"1")
    fail_at(world, "GetObject", "/c")
    response = pull(world)
    assert (response["status"], response["files_loaded"]) == ("partial", ["a", "b", "e"])
    assert response["warnings"] == [
        f"code-interpreter/{name} was not loaded: GetObject on the workspace bucket: SlowDown: no"
        for name in "cd"
    ]


def test_a_pull_that_fails_at_once_loaded_nothing(world: World) -> None:
    put(world, "code-interpreter/a", b"1")
    fail_at(world, "GetObject", "/a")
    assert pull(world)["error"]["type"] == "NotStarted"
    assert not (directory(world) / "a").exists()


def test_an_empty_workspace_is_pulled(world: World) -> None:
    assert pull(world)["files_loaded"] == []


def test_a_large_file_is_pulled_in_pieces_where_the_sandbox_cannot_reach_s3(world: World) -> None:
    content = bytes(range(251)) * (MAX_OPERATION_BYTES // 251 + 1)
    put(world, "code-interpreter/big", content)
    assert pull(world)["files_loaded"] == ["big"]
    assert (directory(world) / "big").read_bytes() == content
    assert "presigned get_object" in world.s3.operations()


# workspace_delete.


def delete(world: World, **arguments: Any) -> dict[str, Any]:
    return world("workspace_delete", session="s", **arguments)


def test_files_are_deleted(world: World) -> None:
    for name in "abc":
        put(world, f"uploads/{name}", b"1")
    put(world, "uploads/a", b"1", session="t")
    assert delete(world, path="uploads/a")["files_deleted"] == ["uploads/a"]
    response = delete(world, paths=["uploads/b", "./uploads/b", "uploads/c", "uploads/b"])
    assert (response["files_deleted"], response["count"]) == (["uploads/b", "uploads/c"], 2)
    assert list(world.s3.objects) == [f"{PREFIX}/t/uploads/a"]
    assert world.agentcore.calls == []


def test_a_missing_file_is_named_and_nothing_is_deleted(world: World) -> None:
    put(world, "uploads/a", b"1")
    put(world, "uploads/folder/b", b"1")
    response = delete(world, paths=["uploads/a", "uploads/no", "uploads/folder"])
    assert response["error"]["type"] == "NotFound"
    assert response["error"]["message"] == (
        "there is no file 'uploads/no', 'uploads/folder' in the workspace; 'uploads/folder' is a "
        "folder: name its files"
    )
    assert len(world.s3.objects) == 2


def test_an_upload_that_is_asked_for_as_a_saved_file_is_named(world: World) -> None:
    put(world, "uploads/a.csv", b"1")
    for path in ("code-interpreter/a.csv", "./code-interpreter/a.csv"):
        message = world("workspace_read", session="s", path=path)["error"]["message"]
        assert message.endswith("; did you mean 'uploads/a.csv'?")


def fail_at(world: World, operation: str, *names: str) -> None:
    def fail(name: str, key: str) -> None:
        if name == operation and key.endswith(names):
            raise client_error("SlowDown", 503, operation)

    world.s3.before = fail


def test_a_deletion_that_fails_for_one_file_says_which_are_deleted(world: World) -> None:
    for name in "abc":
        put(world, f"uploads/{name}", b"1")
    fail_at(world, "DeleteObject", "/b")
    paths = ["uploads/a", "uploads/b", "uploads/c"]
    response = delete(world, paths=paths)
    assert (response["status"], response["files_deleted"]) == (
        "partial",
        ["uploads/a", "uploads/c"],
    )
    assert response["count"] == 2
    assert response["warnings"] == [
        "uploads/b was not deleted: DeleteObject on the workspace bucket: SlowDown: no"
    ]
    fail_at(world, "DeleteObject")
    assert delete(world, path="uploads/b")["files_deleted"] == ["uploads/b"]


def test_a_deletion_that_fails_for_every_file_deleted_nothing(world: World) -> None:
    for name in "ab":
        put(world, f"uploads/{name}", b"1")
    fail_at(world, "DeleteObject", "/a", "/b")
    error = delete(world, paths=["uploads/a", "uploads/b"])["error"]
    assert (error["type"], error["retryable"]) == ("NotStarted", True)
    assert len(world.s3.objects) == 2


@pytest.mark.parametrize("path", ["uploads", "uploads/", "./uploads/data/", "uploads/data"])
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("workspace_delete", {}),
        ("workspace_read", {}),
        ("workspace_link", {"direction": "download"}),
    ],
)
def test_a_folder_in_place_of_a_file_is_named_as_one(
    world: World, tool: str, arguments: dict[str, Any], path: str
) -> None:
    put(world, "uploads/data-1.csv", b"1")
    put(world, "uploads/data/a.csv", b"1")
    message = world(tool, session="s", path=path, **arguments)["error"]["message"]
    assert "a folder" in message
    assert len(world.s3.objects) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"paths": []},
        {"path": "uploads/a", "paths": ["uploads/a"]},
        {"path": "../t/uploads/a"},
        {"path": "sessions/s.json"},
        {"paths": ["uploads/a", "uploads/../../t/uploads/a"]},
        {"path": "uploads"},
    ],
)
def test_a_deletion_of_anything_else_is_refused(world: World, arguments: dict[str, Any]) -> None:
    put(world, "uploads/a", b"1")
    assert delete(world, **arguments)["error"]["type"] == "InvalidRequest"
    assert len(world.s3.objects) == 1


def test_a_deployment_can_switch_deletion_off(world: World) -> None:
    world.settings = world.settings._replace(allow_delete=False)
    world.function = world.new_function()
    put(world, "uploads/a", b"1")
    for path in ("uploads/a", "uploads/no"):
        error = delete(world, path=path)["error"]
        assert error["type"] == "InvalidRequest"
        assert "allow_delete" in error["message"]
    assert len(world.s3.objects) == 1


# workspace_link.


def link(world: World, **arguments: Any) -> dict[str, Any]:
    return world("workspace_link", session="s", **arguments)


@pytest.mark.parametrize(("direction", "size"), [("download", {}), ("upload", {"size": 1})])
def test_no_link_is_signed_that_the_bucket_refuses(
    world: World, direction: str, size: dict[str, int]
) -> None:
    world.settings = world.settings._replace(allow_links=False)
    world.function = world.new_function()
    put(world, "uploads/a", b"1")
    response = link(world, path="uploads/a", direction=direction, **size)
    assert response["links_refused"] is True
    error = response["error"]
    assert error["type"] == "InvalidRequest"
    assert "its network is sealed" in error["message"]
    assert "allow_links" in error["message"]
    assert not hasattr(world.s3, "signed")


def test_a_link_downloads_a_file_under_its_name(world: World) -> None:
    put(world, "code-interpreter/a/ü b.csv", b"1")
    response = link(world, path="code-interpreter/a/ü b.csv", direction="download")
    assert (response["status"], response["method"], response["headers"]) == ("ok", "GET", {})
    assert world.s3.signed == {
        "Bucket": BUCKET,
        "Key": f"{PREFIX}/s/code-interpreter/a/ü b.csv",
        "ResponseContentDisposition": "attachment; filename*=UTF-8''%C3%BC%20b.csv",
        "seconds": 300,
    }
    assert response["url"].endswith("X-Amz-Signature=secret")
    left = datetime.fromisoformat(response["expires_at"]) - datetime.now(UTC)
    assert 290 < left.total_seconds() <= 300
    assert world.agentcore.calls == []


def test_a_link_uploads_a_file_of_one_size(world: World) -> None:
    response = link(
        world, path="uploads/a.csv", direction="upload", size=1234, expires_in_seconds=900
    )
    assert (response["method"], response["headers"]) == ("PUT", {"Content-Length": "1234"})
    assert world.s3.signed == {
        "Bucket": BUCKET,
        "Key": f"{PREFIX}/s/uploads/a.csv",
        "ContentLength": 1234,
        "seconds": 900,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "uploads/a", "direction": "upload"}, "needs size"),
        (
            {"path": "uploads/a", "direction": "download", "size": 1},
            "a download takes no size, given 1",
        ),
        ({"path": "uploads/a", "direction": "upload", "size": 5 * 1024**3 + 1}, "at most"),
        ({"path": "uploads/a", "direction": "download", "expires_in_seconds": 901}, "at most 900"),
        ({"path": "uploads/a", "direction": "download", "expires_in_seconds": 0}, "at least 1"),
        ({"path": "../t/uploads/a", "direction": "download"}, "is not allowed"),
        ({"path": "../t/uploads/a", "direction": "upload", "size": 1}, "is not allowed"),
        ({"path": "sessions/s.json", "direction": "upload", "size": 1}, "is not allowed"),
        ({"path": "uploads/a", "direction": "delete"}, "allowed: download, upload"),
    ],
)
def test_a_link_for_anything_else_is_refused(
    world: World, arguments: dict[str, Any], message: str
) -> None:
    put(world, "uploads/a", b"1")
    error = link(world, **arguments)["error"]
    assert error["type"] == "InvalidRequest"
    assert message in error["message"]
    assert not hasattr(world.s3, "signed")


def test_there_is_no_link_to_a_missing_file(world: World) -> None:
    assert link(world, path="uploads/no", direction="download")["error"]["type"] == "NotFound"


def test_no_record_keeps_a_signed_url() -> None:
    assert "idempotency_key" not in EVENT_SCHEMAS["workspace_link"]["properties"]


@pytest.mark.parametrize("tool", ["workspace_delete", "workspace_link"])
@pytest.mark.parametrize("caller", ["gateway", "agent"])
def test_models_can_neither_delete_nor_sign(world: World, tool: str, caller: str) -> None:
    put(world, "uploads/a", b"1")
    response = send(world, Case(tool, "by a model", {"path": "uploads/a"}), caller)
    assert "InvalidRequest" in str(response)
    assert len(world.s3.objects) == 1
