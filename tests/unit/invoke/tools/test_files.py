from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_interpreter_invoke.sandbox.sandbox import MAX_OPERATION_BYTES
from tests.fakes.agentcore import text_result
from tests.fakes.s3 import RECORDS_PREFIX
from tests.fakes.world import World
from tests.response_cases import CALLERS, Case
from tests.sending import send


def operate(world: World, operation: str, **arguments: Any) -> dict[str, Any]:
    return world("file_operations", session="s", operation=operation, **arguments)


# file_operations.


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"text", "text"),
        (b"", "text"),
        ("ü\r\n'\"\\".encode(), "text"),
        (b"\0", "base64"),
        (b"\xff", "base64"),
        (bytes(range(256)), "base64"),
    ],
)
def test_what_is_written_is_read(world: World, content: bytes, encoding: str) -> None:
    blob = base64.b64encode(content).decode()
    operate(world, "write", content=[{"path": "a/f", "blob": blob}])
    response = operate(world, "read", paths=["a/f"])
    [file] = response["files"]
    assert file["encoding"] == encoding
    text = file["content"]
    assert (text.encode() if encoding == "text" else base64.b64decode(text)) == content
    assert file["size"] == len(content)


@settings(max_examples=30)
@given(st.text(max_size=300))
def test_any_text_is_written_as_it_is(world: World, text: str) -> None:
    response = operate(world, "write", content=[{"path": "f", "text": text}])
    assert response["files_written"] == ["f"]
    assert (world.agentcore.running[0].directory / "f").read_bytes() == text.encode()


def test_several_files_at_once(world: World) -> None:
    files = [{"path": name, "text": name} for name in ("b", "a/c")]
    assert operate(world, "write", content=files)["files_written"] == ["b", "a/c"]
    response = operate(world, "read", paths=["a/c", "b"])
    assert [(file["path"], file["content"]) for file in response["files"]] == [
        ("a/c", "a/c"),
        ("b", "b"),
    ]
    assert operate(world, "remove", paths=["b"])["files_removed"] == ["b"]
    assert operate(world, "read", paths=["a/c", "b"])["error"]["type"] == "NotFound"


def test_folders_are_listed(world: World) -> None:
    operate(world, "write", content=[{"path": "a/f", "text": ""}, {"path": "a/b/g", "text": ""}])
    response = operate(world, "list")
    assert {"name": "a", "type": "directory"} in response["entries"]
    assert response["count"] == len(response["entries"])
    response = operate(world, "list", paths=["a", "./"])
    names = [entry["name"] for entry in response["entries"]]
    assert names[:2] == ["a/b", "a/f"]
    assert "a" in names[2:]


@pytest.mark.parametrize("operation", ["read", "remove", "list"])
def test_what_is_missing_is_not_found(world: World, operation: str) -> None:
    response = operate(world, operation, paths=["nope"])
    assert response["error"]["type"] == "NotFound"
    assert response["error"]["retryable"] is False


def test_files_too_large_to_read_are_refused_with_the_way_to_read_them(world: World) -> None:
    """How the service says that files are too large is not documented."""
    world.ok("execute_code", session="s", code="(here / 'f').write_bytes(bytes(9_000_000))")
    world.agentcore.results["readFiles"] = text_result("too much", error=True)
    error = operate(world, "read", path="f")["error"]
    assert (error["type"], error["retryable"]) == ("InvalidRequest", False)
    assert "9000000 bytes" in error["message"]
    assert "ci_push_to_workspace" in error["message"]


def test_what_cannot_be_written_has_failed(world: World) -> None:
    response = operate(world, "write", content=[{"path": "log", "text": "x"}])
    assert response["error"]["type"] == "CodeFailed"
    assert "log is a directory" in response["error"]["message"]


def test_a_result_without_some_of_the_files_is_not_found(world: World) -> None:
    """How the service says that a file is missing is not documented."""
    world.agentcore.results["readFiles"] = {"content": [], "isError": False}
    assert operate(world, "read", paths=["a"])["error"]["type"] == "NotFound"


ONE_FILE: list[dict[str, Any]] = [
    {"path": "a/f", "text": "[1]"},
    {"path": "a/f", "content": "[1]"},
    {"paths": ["a/f"], "text": "[1]"},
    {"paths": ["a/f"], "content": "[1]"},
    {"content": [{"path": "a/f", "text": "[1]"}]},
    {"content": '[{"path": "a/f", "text": "[1]"}]'},
    {"content": [{"path": "a/f", "blob": "WzFd"}]},
    {"content": [{"path": "a/f", "blob": " Wz\r\nFd\n"}]},
]


@pytest.mark.parametrize("shape", ONE_FILE, ids=str)
@pytest.mark.parametrize("caller", CALLERS)
def test_every_way_to_write_a_file(world: World, shape: dict[str, Any], caller: str) -> None:
    """Models try the shortest one first."""
    case = Case("file_operations", "write", {"operation": "write", **shape})
    assert "files_written" in json.dumps(send(world, case, caller))
    assert (world.agentcore.running[0].directory / "a/f").read_text() == "[1]"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"path": "a"},
        {"text": "x"},
        {"content": "hello"},
        {"content": "[]"},
        {"content": []},
        {"path": "a", "text": "x", "content": "x"},
        {"path": "a", "content": [{"path": "a", "text": "x"}]},
        {"paths": ["a", "b"], "text": "x"},
    ],
    ids=str,
)
def test_a_refused_write_shows_the_allowed_shapes(world: World, given: dict[str, Any]) -> None:
    error = operate(world, "write", **given)["error"]
    assert error["type"] == "InvalidRequest"
    assert '{"path": "a.txt", "text": "..."}' in error["message"]
    assert '{"content": [{"path": "a.txt", "text": "..."}, ' in error["message"]
    assert world.agentcore.calls == []


@pytest.mark.parametrize(
    "content", [["hello"], [{"name": "a", "text": "x"}], [{"text": "x"}], 7, {"a.txt": "hello"}]
)
def test_content_of_another_shape_is_described(world: World, content: Any) -> None:
    shapes = [content, json.dumps(content)] if isinstance(content, list) else [content]
    for shape in shapes:
        message = operate(world, "write", content=shape)["error"]["message"]
        assert message.startswith("file_operations: content")
        assert "path" in message


@pytest.mark.parametrize("operation", ["read", "list", "remove"])
def test_a_single_path_is_enough(world: World, operation: str) -> None:
    operate(world, "write", path="a/f", text="x")
    path = "a" if operation == "list" else "a/f"
    assert operate(world, operation, path=path)["status"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"operation": "read", "path": "a", "paths": ["a"]}, "either path or paths"),
        ({"operation": "read"}, "read needs paths"),
        ({"operation": "remove", "paths": []}, "remove needs paths"),
        ({"operation": "write", "content": [{"path": "a"}]}, "either text or blob"),
        (
            {"operation": "write", "content": [{"path": "a", "text": "", "blob": ""}]},
            "either text or blob",
        ),
        ({"operation": "write", "content": [{"path": "a", "blob": "a"}]}, "is not base64"),
        ({"operation": "write", "content": [{"path": "a", "blob": "ü"}]}, "is not base64"),
        ({"operation": "write", "content": [{"path": "../a", "text": ""}]}, "'../a'"),
        ({"operation": "read", "paths": ["a", "/etc/passwd"]}, "absolute"),
        ({"operation": "remove", "paths": ["a/../../b"]}, "'..'"),
        ({"operation": "list", "paths": [".."]}, "'..'"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(
    world: World, arguments: dict[str, Any], message: str
) -> None:
    response = world("file_operations", session="s", **arguments)
    assert response["error"]["type"] == "InvalidRequest"
    assert message in response["error"]["message"]
    assert world.agentcore.calls == []


# ci_push_to_workspace.


def push(world: World, *paths: str) -> dict[str, Any]:
    return world("ci_push_to_workspace", session="s", **({"paths": list(paths)} if paths else {}))


def write(world: World, files: dict[str, bytes]) -> None:
    world.ok(
        "execute_code",
        session="s",
        code="for path, body in FILES.items():\n"
        "    (here / path).parent.mkdir(parents=True, exist_ok=True)\n"
        "    (here / path).write_bytes(body)".replace("FILES", repr(files)),
    )


def test_a_push_without_paths_saves_the_files_of_the_working_directory(world: World) -> None:
    write(world, {"a.txt": b"a", "b.bin": b"\xff", "folder/c.txt": b"c", ".hidden": b"h"})
    response = push(world)
    assert response["files_saved"] == [
        "code-interpreter/.hidden",
        "code-interpreter/a.txt",
        "code-interpreter/b.bin",
    ]
    assert response["count"] == 3
    assert world.s3.saved("s") == {"a.txt": b"a", "b.bin": b"\xff", ".hidden": b"h"}


def test_a_push_of_nothing_is_ok(world: World) -> None:
    response = push(world)
    assert (response["status"], response["files_saved"], response["count"]) == ("ok", [], 0)


def test_a_push_takes_files_and_whole_folders(world: World) -> None:
    write(world, {"a.txt": b"a", "f/b.txt": b"b", "f/g/b.txt": b"deeper", "other.txt": b"no"})
    response = push(world, "a.txt", "f")
    assert response["files_saved"] == [
        "code-interpreter/a.txt",
        "code-interpreter/f/b.txt",
        "code-interpreter/f/g/b.txt",
    ]
    assert world.s3.saved("s")["f/g/b.txt"] == b"deeper"


def test_a_file_that_is_named_twice_is_saved_once(world: World) -> None:
    write(world, {"a.txt": b"a", "f/b.txt": b"b"})
    response = push(world, "a.txt", "./a.txt", "f", "f/b.txt")
    assert response["files_saved"] == ["code-interpreter/a.txt", "code-interpreter/f/b.txt"]
    assert response["count"] == 2


def test_folders_may_be_written_with_a_slash(world: World) -> None:
    write(world, {"f/a.txt": b"a"})
    assert push(world, "f/")["files_saved"] == ["code-interpreter/f/a.txt"]
    response = operate(world, "list", paths=["f/"])
    assert [entry["name"] for entry in response["entries"]] == ["f/a.txt"]


def test_a_push_says_what_it_could_not_save(world: World) -> None:
    write(world, {"a.txt": b"a"})
    response = push(world, "a.txt", "nope.txt")
    assert response["status"] == "partial"
    assert response["files_saved"] == ["code-interpreter/a.txt"]
    assert response["warnings"] == ["'nope.txt' was not saved: No such file or directory"]


def test_a_push_that_saves_nothing_it_was_asked_for_has_failed(world: World) -> None:
    response = push(world, "nope.txt")
    assert response["error"]["type"] == "NotFound"
    assert "nope.txt" in response["error"]["message"]


@pytest.mark.parametrize(
    "name", ["bad\nname", "back\\slash", "\x1b[31mred", "\udcff-not-utf8", "x" * 250 + "/y" * 250]
)
def test_a_name_that_could_lead_astray_is_not_saved(world: World, name: str) -> None:
    write(world, {"good.txt": b"good", f"f/{name}": b"bad"})
    response = push(world, "good.txt", "f")
    assert response["status"] == "partial"
    assert response["files_saved"] == ["code-interpreter/good.txt"]
    assert set(world.s3.saved("s")) == {"good.txt"}
    assert all(warning.isprintable() for warning in response["warnings"])


def test_a_sandbox_that_lies_about_names_stays_in_its_prefix(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever `python3` is in a sandbox, it is the user's."""
    monkeypatch.setattr("code_interpreter_invoke.sandbox.sandbox.new_marker", lambda: "marker:")
    paths = ("../../other/uploads/x", "/etc/x", "a/../b")
    lies = [{"path": path, "size": 1, "sha256": ""} for path in paths]
    world.ok("execute_code", session="s", code="x = 1")
    world.agentcore.results["executeCommand"] = {
        "content": [],
        "structuredContent": {
            "stdout": f"\r\nmarker:{json.dumps(lies)}\r\n",
            "stderr": "",
            "exitCode": 0,
        },
        "isError": False,
    }
    response = push(world, "f")
    assert response["error"]["type"] == "NotFound"
    assert set(world.s3.objects) == {f"{RECORDS_PREFIX}s.json"}


def test_links_and_special_files_are_not_followed(world: World) -> None:
    world.ok(
        "execute_code",
        session="s",
        code="import os; (here / 'f').mkdir(); (here / 'f/link').symlink_to('/etc/hostname');"
        " os.mkfifo(here / 'f/pipe'); (here / 'link').symlink_to('/etc'); (here / 'f/ok').touch()",
    )
    response = push(world, "f", "link")
    assert response["files_saved"] == ["code-interpreter/f/ok"]
    assert len(response["warnings"]) == 3
    assert push(world)["files_saved"] == []


def test_many_files_travel_in_few_requests(world: World) -> None:
    write(world, {f"f/{index:03}.txt": b"x" for index in range(200)})
    world.forget_calls()
    assert push(world, "f")["count"] == 200
    assert world.agentcore.operations() == ["executeCommand", "readFiles", "readFiles"]


def test_more_paths_than_fit_a_command_line(world: World) -> None:
    names = [f"f/{'x' * 200}{index:03}" for index in range(500)]
    write(world, dict.fromkeys(names, b"x"))
    world.forget_calls()
    response = push(world, *names)
    assert response["count"] == 500
    assert world.agentcore.operations().count("executeCommand") == 2


def test_text_the_service_changed_on_the_way_is_carried_otherwise(world: World) -> None:
    """Whether it keeps line ends and byte order marks of text is not documented."""
    write(world, {"dos.txt": b"\xef\xbb\xbfa\r\nb\r\n"})
    inside = world.agentcore.running[0]
    original = inside.readFiles

    def normalising(arguments: dict[str, Any]) -> dict[str, Any]:
        result = original(arguments)
        for block in result["content"]:
            if "text" in block["resource"]:
                text = block["resource"]["text"]
                block["resource"]["text"] = text.removeprefix("\ufeff").replace("\r\n", "\n")
        return result

    inside.readFiles = normalising  # type: ignore[method-assign]
    assert push(world)["status"] == "ok"
    assert world.s3.saved("s") == {"dos.txt": b"\xef\xbb\xbfa\r\nb\r\n"}


def test_one_file_that_cannot_be_read_does_not_hinder_the_others(world: World) -> None:
    write(world, {"a.txt": b"a", "b.txt": b"b"})
    inside = world.agentcore.running[0]
    original = inside.readFiles

    def refusing(arguments: dict[str, Any]) -> dict[str, Any]:
        if "a.txt" in arguments["paths"]:
            return text_result("no", error=True)
        return original(arguments)

    inside.readFiles = refusing  # type: ignore[method-assign]
    response = push(world)
    assert response["files_saved"] == ["code-interpreter/a.txt", "code-interpreter/b.txt"]
    assert world.s3.saved("s") == {"a.txt": b"a", "b.txt": b"b"}


def test_a_push_from_a_dead_sandbox_says_that_it_is_a_new_one(world: World) -> None:
    write(world, {"a.txt": b"a"})
    world.agentcore.end_all()
    response = push(world)
    assert (response["status"], response["files_saved"]) == ("ok", [])
    assert response["session_restarted"] is True


def test_files_from_the_service_itself_are_not_saved(world: World) -> None:
    write(world, {"a.txt": b"a"})
    world.agentcore.end_all()
    write(world, {"b.txt": b"b"})
    assert push(world)["files_saved"] == ["code-interpreter/b.txt"]


# The clock of a file system ticks every 10 ms or more often.
TICK_SECONDS = 0.02


@pytest.mark.parametrize(
    "supply",
    [
        lambda world: world.s3.upload("s", ".service", b"the user's"),
        lambda world: write(world, {".service": b"the user's"}),
        lambda world: operate(world, "write", path=".service", text="the user's"),
        lambda world: world.ok(
            "execute_command",
            session="s",
            command='printf "the user\'s" > x; touch -d 2001-01-01 x; mv x .service',
        ),
    ],
    ids=["upload", "program", "tool", "old file"],
)
def test_a_users_file_with_the_name_of_the_services_is_saved(
    world: World, supply: Callable[[World], Any]
) -> None:
    """A project's package.json, for instance."""
    world.ok("start_session", session="s")
    time.sleep(TICK_SECONDS)
    assert push(world)["files_saved"] == []
    supply(world)
    for _ in range(2):
        assert push(world)["files_saved"] == ["code-interpreter/.service"]
        assert world.s3.saved("s")[".service"] == b"the user's"
        # Another instance of the function knows it, too.
        world.function = world.new_function()


def test_an_upload_with_the_name_of_the_services_file_is_saved(world: World) -> None:
    world.s3.upload("s", ".service", b"the user's")
    assert push(world)["files_saved"] == ["code-interpreter/.service"]


# Files larger than a request.


def test_a_large_file_is_carried_in_pieces_where_the_sandbox_cannot_reach_s3(world: World) -> None:
    size = 2 * MAX_OPERATION_BYTES + 17
    world.ok(
        "execute_code",
        session="s",
        code=f"(here / 'big').write_bytes(bytes(i % 251 for i in range(1000)) * {size // 1000})",
    )
    content = (world.agentcore.running[0].directory / "big").read_bytes()
    response = push(world, "big")
    assert response["files_saved"] == ["code-interpreter/big"]
    assert world.s3.saved("s") == {"big": content}
    assert "UploadPart" in world.s3.operations()
    # Nothing is left of the pieces.
    assert not [p for p in world.agentcore.running[0].directory.iterdir() if "code-int" in p.name]


def test_a_large_upload_is_carried_in_pieces_where_the_sandbox_cannot_reach_s3(
    world: World,
) -> None:
    content = bytes(range(256)) * (MAX_OPERATION_BYTES // 256 + 1)
    world.s3.upload("s", "folder/big", content)
    world.ok("execute_code", session="s", code="x = 1")
    directory = world.agentcore.running[0].directory
    assert (directory / "folder/big").read_bytes() == content
    assert not [path for path in directory.iterdir() if "code-int" in path.name]


def test_files_too_large_to_copy_are_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "code_interpreter_invoke.files.large_files.MAX_COPIED_BYTES", MAX_OPERATION_BYTES
    )
    world.s3.upload("s", "big", bytes(MAX_OPERATION_BYTES + 1))
    response = world.ok(
        "execute_code",
        session="s",
        code=f"(here / 'out').write_bytes(bytes({MAX_OPERATION_BYTES + 1}))",
    )
    [warning] = response["warnings"]
    assert (
        "uploads/big was not loaded: the sandbox could not reach S3 (ConnectionRefusedError)"
        in warning
    )
    response = push(world, "out")
    assert "copies at most" in response["error"]["message"]


def test_an_unreachable_s3_is_tried_once_a_call(world: World) -> None:
    size = MAX_OPERATION_BYTES + 1
    code = "\n".join(f"(here / 'big{i}').write_bytes(bytes({size}))" for i in range(3))
    world.ok("execute_code", session="s", code=code)
    world.forget_calls()
    assert push(world)["count"] == 3
    assert world.s3.operations().count("presigned put_object") == 1


def test_an_unreachable_s3_is_tried_once_for_all_uploads(world: World) -> None:
    for index in range(3):
        world.s3.upload("s", f"big{index}", bytes(MAX_OPERATION_BYTES + 1))
    world.ok("execute_code", session="s", code="x = 1")
    assert world.s3.operations().count("presigned get_object") == 1
    assert len(list(world.agentcore.running[0].directory.glob("big*"))) == 3


def test_a_large_upload_replaced_while_it_is_carried_is_never_mixed(world: World) -> None:
    world.s3.upload("s", "big", b"1" * (MAX_OPERATION_BYTES + 1))
    replacements = iter([b"2" * (MAX_OPERATION_BYTES + 1)])

    def replace(operation: str, _detail: str) -> None:
        # Between the first piece and the second.
        if operation == "writeFiles":
            for replacement in replacements:
                world.s3.upload("s", "big", replacement)

    world.agentcore.after = replace
    response = world("execute_code", session="s", code="x = 1")
    assert (response["error"]["type"], response["error"]["retryable"]) == ("NotStarted", True)
    assert "replaced while it was loaded" in response["error"]["message"]
    code = "print(set((here / 'big').read_bytes()))"
    assert world.ok("execute_code", session="s", code=code)["stdout"] == "{50}"


def test_files_are_written_without_running_code(world: World) -> None:
    """A program with the content in its source would need quoting that some content breaks."""
    text = "'''\\\n\"); raise SystemExit  # \r\n\0 '"
    name = 'it\'s "quoted" {x}.txt'
    operate(world, "write", content=[{"path": name, "text": text}])
    assert (world.agentcore.running[0].directory / name).read_bytes() == text.encode()
    assert "executeCode" not in world.agentcore.operations()


def test_files_of_the_same_name_in_different_folders_are_both_saved(world: World) -> None:
    write(world, {"a/f": b"a", "b/f": b"b"})
    push(world, "a/f", "b/f")
    assert world.s3.saved("s") == {"a/f": b"a", "b/f": b"b"}
