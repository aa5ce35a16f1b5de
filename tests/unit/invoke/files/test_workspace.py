from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_interpreter_invoke.errors import InvalidRequestError
from code_interpreter_invoke.files.workspace import READ_BYTES, decode_base64
from code_interpreter_invoke.requests.request import MAX_LAMBDA_RESPONSE_BYTES
from tests.fakes.s3 import BUCKET, PREFIX
from tests.fakes.world import World


def put(world: World, path: str, content: bytes, session: str = "s") -> None:
    world.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{session}/{path}", Body=content)


def read_whole(world: World, path: str, encoding: str | None = None) -> bytes:
    """Follow next_offset and return the whole file. Every part must have the given encoding."""
    whole, offset = b"", 0
    while True:
        response = world.ok("workspace_read", session="s", path=path, offset=offset)
        assert len(json.dumps(response)) <= MAX_LAMBDA_RESPONSE_BYTES
        assert encoding in (None, response["encoding"])
        content = response["content"]
        whole += content.encode() if response["encoding"] == "text" else base64.b64decode(content)
        if "next_offset" not in response:
            assert "truncated" not in response
            return whole
        assert response["truncated"] is True
        assert response["next_offset"] == len(whole)
        offset = response["next_offset"]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [(b"text", "text"), (b"", "text"), (b"\x89PNG\0", "base64"), (b"<svg/>", "text")],
)
def test_the_bytes_decide_the_encoding(world: World, content: bytes, encoding: str) -> None:
    put(world, "code-interpreter/file.svg", content)
    response = world.ok("workspace_read", session="s", path="code-interpreter/file.svg")
    assert response["encoding"] == encoding
    assert response["size"] == len(content)
    assert read_whole(world, "code-interpreter/file.svg") == content


@pytest.mark.parametrize(
    "content",
    [
        b"x" * (READ_BYTES + 5),
        "ü".encode() * (READ_BYTES // 2 + 3),
        b"x" + "\U0001f600".encode() * (READ_BYTES // 4 + 3),
        b"\xff" * (READ_BYTES + 5),
        b"\x01" * READ_BYTES,
    ],
    ids=["ascii", "two bytes", "four bytes", "binary", "control characters"],
)
def test_a_large_file_is_read_in_parts(world: World, content: bytes) -> None:
    put(world, "uploads/big", content)
    encoding = "base64" if b"\xff" in content else "text"
    assert read_whole(world, "uploads/big", encoding) == content


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(["a", "ü", "€", "\U0001f600", "\0", "\x01"]), max_size=40),
    st.integers(1, 40),
)
def test_parts_of_any_length_make_the_whole_text(
    world: World, characters: list[str], limit: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("code_interpreter_invoke.files.workspace.READ_BYTES", max(limit, 4))
        content = "".join(characters).encode()
        put(world, "uploads/f", content)
        assert read_whole(world, "uploads/f") == content


def test_an_offset_beyond_the_end_returns_no_content(world: World) -> None:
    put(world, "uploads/f", b"12345")
    for offset in (5, 6, 10**12):
        response = world.ok("workspace_read", session="s", path="uploads/f", offset=offset)
        assert (response["content"], response["size"]) == ("", 5)
        assert "truncated" not in response


@pytest.mark.parametrize(
    ("encoding", "content", "stored"),
    [
        (None, "ü\r\n'\"\\", "ü\r\n'\"\\".encode()),
        ("text", "", b""),
        ("base64", "iVBORwD/", b"\x89PNG\0\xff"),
    ],
)
def test_written_content_is_stored_as_its_bytes(
    world: World, encoding: str | None, content: str, stored: bytes
) -> None:
    response = world.ok(
        "workspace_write", session="s", path="uploads/a/f", content=content, encoding=encoding
    )
    assert response["size"] == len(stored)
    assert read_whole(world, "uploads/a/f") == stored


def test_a_written_upload_is_in_the_sandbox_for_the_next_request(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    world.ok("workspace_write", session="s", path="uploads/f.txt", content="new")
    response = world.ok("execute_code", session="s", code="print((here / 'f.txt').read_text())")
    assert response["stdout"] == "new"


def test_no_tool_of_the_workspace_starts_a_sandbox(world: World) -> None:
    world.ok("workspace_write", session="s", path="uploads/f", content="x")
    world.ok("workspace_read", session="s", path="uploads/f")
    world.ok("workspace_list", session="s")
    assert world.agentcore.calls == []


@pytest.mark.parametrize("tool", ["workspace_read", "workspace_write"])
@pytest.mark.parametrize(
    "path",
    [
        "chart.png",
        "code-interpreter",
        "code-interpreter/",
        "uploads-old/x",
        "../other/uploads/x",
        "code-interpreter/../../other/uploads/x",
        "/code-interpreter/x",
        "uploads/a\\b",
        "uploads//x",
        "sessions/s.json",
        "",
    ],
)
def test_no_path_leads_out_of_the_sessions_folders(world: World, tool: str, path: str) -> None:
    content = {"content": "x"} if tool == "workspace_write" else {}
    response = world(tool, session="s", path=path, **content)
    assert response["error"]["type"] == "InvalidRequest"
    assert world.s3.calls == []


@given(path=st.text(), session=st.sampled_from(["s", "a-b"]))
def test_no_request_touches_a_key_of_another_session(world: World, path: str, session: str) -> None:
    world.forget_calls()
    for tool, arguments in (
        ("workspace_read", {"path": path}),
        ("workspace_read", {"path": f"uploads/{path}"}),
        ("workspace_write", {"path": f"code-interpreter/{path}", "content": ""}),
        ("workspace_list", {"path": path}),
    ):
        world(tool, session=session, **arguments)
    assert all(key.startswith(f"{PREFIX}/{session}/") for _, key in world.s3.calls)


def test_a_missing_file_is_not_found(world: World) -> None:
    response = world("workspace_read", session="s", path="uploads/nope")
    assert response["error"]["type"] == "NotFound"
    assert "'uploads/nope'" in response["error"]["message"]


def test_content_that_is_not_base64_is_refused(world: World) -> None:
    response = world(
        "workspace_write", session="s", path="uploads/f", content="no!", encoding="base64"
    )
    assert response["error"]["message"] == "content is not base64"
    assert world.s3.objects == {}


def listed(world: World, **arguments: Any) -> list[str]:
    return [file["path"] for file in world.ok("workspace_list", session="s", **arguments)["files"]]


def test_listed_paths_can_be_read(world: World) -> None:
    put(world, "uploads/a.csv", b"1")
    put(world, "uploads/deep/b.csv", b"12")
    put(world, "uploads/deep/", b"")
    put(world, "code-interpreter/c.png", b"123")
    put(world, "uploads/x", b"of another", session="s2")
    response = world.ok("workspace_list", session="s")
    assert [(file["path"], file["size"]) for file in response["files"]] == [
        ("code-interpreter/c.png", 3),
        ("uploads/a.csv", 1),
        ("uploads/deep/b.csv", 2),
    ]
    assert response["count"] == 3
    assert listed(world, path="uploads") == ["uploads/a.csv", "uploads/deep/b.csv"]
    assert listed(world, path="uploads/deep/") == ["uploads/deep/b.csv"]
    assert listed(world, path="upload") == []
    for path in listed(world):
        world.ok("workspace_read", session="s", path=path)


STRANGE = [
    "uploads/win\\sub\\q1.csv",
    "uploads/a//b",
    "uploads/a\tb",
    "uploads/../other/uploads/x",
    "uploads/a/./b",
    f"uploads/{'x' * 701}",
    "uploads/file/",
    "other.txt",
    "code-interpreter",
    "sub/uploads/x",
]
FINE = ["uploads/ü 'x' %2e.csv", f"uploads/{'x' * 700}", "code-interpreter/responses/a.json"]


@pytest.mark.parametrize("path", [*STRANGE, *FINE])
def test_a_listed_file_can_be_read_or_has_a_problem(world: World, path: str) -> None:
    put(world, path, b"x")
    [file] = world.ok("workspace_list", session="s")["files"]
    assert file["path"] == path
    assert ("problem" in file) == (path in STRANGE)
    response = world("workspace_read", session="s", path=path)
    if path in STRANGE:
        assert response["error"]["type"] == "InvalidRequest"
        assert file["problem"].removeprefix("no tool can use it: ") in response["error"]["message"]
    else:
        assert response["content"] == "x"


def test_a_large_workspace_is_listed_by_pages(world: World) -> None:
    for index in range(10_000):
        put(world, f"uploads/{index:05}", b"")
    found: list[str] = []
    token = None
    for _ in range(10):
        response = world.ok("workspace_list", session="s", next_token=token)
        found += [file["path"] for file in response["files"]]
        token = response.get("next_token")
        assert response.get("truncated", False) is (token is not None)
    assert token is None
    assert found == [f"uploads/{index:05}" for index in range(10_000)]


@given(st.binary(), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", " ", "\n", "\t \r\n"]))
def test_base64_may_have_line_breaks_and_outer_blanks(body: bytes, end: str, blanks: str) -> None:
    """Tools of the shell and of MIME (RFC 2045) break base64 into lines."""
    lines = base64.encodebytes(body).decode().replace("\n", end)
    assert decode_base64("blob", blanks + lines + blanks) == body


@pytest.mark.parametrize("text", ["!", "YQ", "YQ==\ufffd", "Y Q=="])
def test_text_that_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="blob is not base64"):
        decode_base64("blob", text)


@given(st.binary())
def test_base64_is_decoded(body: bytes) -> None:
    assert decode_base64("blob", base64.b64encode(body).decode()) == body


def test_a_page_of_folder_markers_alone_has_a_next_page(world: World) -> None:
    world.s3.page_size = 2
    for path in ("uploads/a/", "uploads/b/", "uploads/c"):
        put(world, path, b"")
    first = world.ok("workspace_list", session="s")
    assert (first["files"], first["truncated"]) == ([], True)
    assert listed(world, next_token=first["next_token"]) == ["uploads/c"]


def test_the_folder_marker_of_the_session_itself_does_not_repeat_the_first_page(
    world: World,
) -> None:
    world.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/s/", Body=b"")
    for name in "ab":
        world.s3.upload("s", name, b"1")
    world.s3.page_size = 1
    first = world.ok("workspace_list", session="s")
    second = world.ok("workspace_list", session="s", next_token=first["next_token"])
    paths = [file["path"] for page in (first, second) for file in page["files"]]
    assert paths == ["uploads/a", "uploads/b"]


@pytest.mark.parametrize(
    "token", ["x", "w\u00fc", "/w==", base64.b64encode(b"code-interpreter/a").decode()]
)
def test_a_token_of_no_page_of_this_path_is_refused(world: World, token: str) -> None:
    response = world("workspace_list", session="s", path="uploads", next_token=token)
    assert response["error"]["type"] == "InvalidRequest"
    assert "previous response" in response["error"]["message"]
    assert world.s3.calls == []


def test_a_token_leads_to_no_other_session(world: World) -> None:
    put(world, "uploads/own", b"")
    put(world, "uploads/other", b"", session="t")
    for path in ("", "../t", "../t/uploads/a", "a"):
        token = base64.b64encode(path.encode()).decode()
        assert "uploads/other" not in listed(world, next_token=token)
