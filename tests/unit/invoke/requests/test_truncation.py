from __future__ import annotations

import base64
import json
import re
from typing import Any, cast, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_interpreter_invoke.clients import Bucket
from code_interpreter_invoke.deadline import Deadline
from code_interpreter_invoke.files.workspace import Workspace
from code_interpreter_invoke.requests.bedrock_agent import BedrockAgent
from code_interpreter_invoke.requests.direct import Direct
from code_interpreter_invoke.requests.limits import share_of_limit
from code_interpreter_invoke.requests.request import MAX_LAMBDA_RESPONSE_BYTES
from code_interpreter_invoke.requests.truncation import (
    MIN_TRUNCATED_LENGTH,
    OUTPUT_MEMBERS,
    truncate_to_limit,
    truncate_values,
)
from code_interpreter_invoke.responses import Response, ResponseMembers
from tests.fakes.client_error import client_error
from tests.fakes.s3 import BUCKET, PREFIX
from tests.fakes.world import World, clients_of
from tests.response_cases import agent_event


def size_of(response: dict[str, Any]) -> int:
    return len(json.dumps(response))


def whole_response(world: World, response: dict[str, Any]) -> dict[str, Any]:
    name = response["full_response"].removeprefix("code-interpreter/")
    return dict(json.loads(world.s3.saved(response["session"])[name]))


def test_a_response_that_fits_is_left_alone(world: World) -> None:
    response = world.ok("execute_code", session="s", code="print('x' * 5_000_000)")
    assert len(response["stdout"]) == 5_000_000
    assert "truncated" not in response
    assert world.s3.saved("s") == {}


def test_a_response_that_is_too_large_is_cut_and_kept_whole(world: World) -> None:
    response = world.ok("execute_code", session="s", code="print('start' + 'x' * 7_000_000)")
    assert size_of(response) <= MAX_LAMBDA_RESPONSE_BYTES
    assert response["truncated"] is True
    assert response["stdout"].startswith("startxxx")
    assert response["exit_code"] == 0
    whole = whole_response(world, response)
    assert whole["stdout"] == "start" + "x" * 7_000_000


def test_without_a_session_it_is_kept_too(world: World) -> None:
    response = world.ok("execute_code", code="print('x' * 7_000_000)")
    assert len(whole_response(world, response)["stdout"]) == 7_000_000


def test_a_failures_output_is_cut_too(world: World) -> None:
    response = world("execute_code", session="s", code="print('x' * 7_000_000); 1/0")
    assert response["error"]["type"] == "CodeFailed"
    assert response["truncated"] is True
    assert size_of(response) <= MAX_LAMBDA_RESPONSE_BYTES


def test_characters_count_as_they_are_escaped(world: World) -> None:
    response = world.ok("execute_code", session="s", code=r"print('\x01' * 2_000_000)")
    assert response["truncated"] is True
    assert size_of(response) <= MAX_LAMBDA_RESPONSE_BYTES


def test_files_are_cut_so_that_base64_can_be_decoded(world: World) -> None:
    world.ok("execute_code", session="s", code="(here / 'f').write_bytes(b'\\xff' * 6_000_000)")
    response = world.ok("file_operations", session="s", operation="read", paths=["f"])
    assert response["truncated"] is True
    [file] = response["files"]
    assert set(base64.b64decode(file["content"], validate=True)) == {0xFF}
    assert file["size"] == 6_000_000


class SmallCaller(Direct):
    """A caller that takes little, because the search for what it takes needs little time, too."""

    max_response_bytes = 200_000


CALLER = SmallCaller({})
TEXT = "x" * 300
ITEMS: dict[str, Any] = {
    "sessions": {"session": TEXT, "session_id": TEXT},
    "images": {"mime_type": "image/png", "data": TEXT},
    "files": {"path": TEXT, "size": 1},
    "entries": {"name": TEXT, "type": "file"},
    "content": {"type": "text", "text": TEXT},
    "tools": {"toolSpec": {"name": TEXT}},
}


def is_list(hint: Any) -> bool:
    return get_origin(hint) is list or any(get_origin(part) is list for part in get_args(hint))


LISTS = [name for name, hint in get_type_hints(ResponseMembers).items() if is_list(hint)]


def test_the_members_that_are_lists() -> None:
    assert {"files", "content", "warnings"} <= set(LISTS)
    assert not {"session", "structuredContent", "headers"} & set(LISTS)


@pytest.mark.parametrize("member", LISTS)
def test_a_list_that_is_cut_says_so(world: World, member: str) -> None:
    whole = [ITEMS.get(member, TEXT)] * 3_000
    response = cast(Response, {"status": "ok", "session": "s", member: whole})
    bucket = Bucket(clients_of(world.s3), BUCKET, Deadline(60))
    workspace = Workspace(bucket, PREFIX, "s")
    found = cast(dict[str, Any], truncate_to_limit(response, CALLER, workspace))
    kept = len(found[member]) - (member == "warnings")
    assert 0 < kept < 3_000
    assert f"{member} has {kept} of 3000 items; the whole response is in " in found["warnings"][0]
    assert found["full_response"] in found["warnings"][0]
    assert size_of(found) <= SmallCaller.max_response_bytes
    assert whole_response(world, found)[member] == whole


def test_a_long_listing_says_how_many_entries_there_are(world: World) -> None:
    world.ok("start_session", session="s")
    world.agentcore.results["listFiles"] = {
        "content": [
            {"type": "resource_link", "name": f"{index:01400}", "description": "File"}
            for index in range(5_000)
        ],
        "isError": False,
    }
    response = world.ok("file_operations", session="s", operation="list")
    assert (response["count"], response["truncated"]) == (5_000, True)
    shown = len(response["entries"])
    assert f"entries has {shown} of 5000 items" in response["warnings"][0]
    assert size_of(response) > MAX_LAMBDA_RESPONSE_BYTES * 0.97
    assert len(whole_response(world, response)["entries"]) == 5_000


def test_a_file_that_is_cut_says_how_to_read_the_rest(world: World) -> None:
    """The way is followed here to the last byte."""
    body = b"\xff" * 6_000_000
    world.ok("execute_code", session="s", code="(here / 'f').write_bytes(b'\\xff' * 6_000_000)")
    response = world.ok("file_operations", session="s", operation="read", path="f")
    kept = len(response["files"][0]["content"])
    assert response["warnings"] == [
        f"files[].content has {kept} of 8000000 characters; save the file with "
        "ci_push_to_workspace, and read it with workspace_read from offset to offset"
    ]
    [name] = world.ok("ci_push_to_workspace", session="s", paths=["f"])["files_saved"]
    found, offset = b"", 0
    while len(found) < len(body):
        part = world.ok("workspace_read", session="s", path=name, offset=offset)
        found += base64.b64decode(part["content"])
        offset = len(found)
    assert found == body


@settings(max_examples=40)
@given(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]))
def test_the_shortest_form_fits_every_caller(character: str) -> None:
    names = [character * 1000] * 1000
    files = [{"path": name, "encoding": "text", "content": name, "size": 7} for name in names]
    shortest = truncate_values({"files": files, "warnings": names}, MIN_TRUNCATED_LENGTH, 0.5)
    assert share_of_limit(shortest, BedrockAgent(agent_event("file_operations", []))) <= 1


def test_a_response_that_cannot_be_kept_says_so(world: World) -> None:
    def fail(operation: str, key: str) -> None:
        if operation == "PutObject" and "/responses/" in key:
            raise client_error("SlowDown", 503, "PutObject")

    world.s3.before = fail
    response = world.ok("execute_code", session="s", code="print('x' * 7_000_000)")
    assert response["truncated"] is True
    assert "full_response" not in response
    assert "SlowDown" in response["warnings"][0]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("execute_code", {"code": "x"}),
        ("execute_command", {"command": "x"}),
        ("file_operations", {"operation": "list"}),
        ("invoke_code_interpreter", {"name": "executeCode"}),
    ],
)
def test_what_a_sandbox_says_can_always_be_sent(
    world: World, tool: str, arguments: dict[str, Any]
) -> None:
    """The runtime sends UTF-8, and would fail after the code has run."""
    half = json.loads('"half \\ud800 of a pair"')
    world.ok("start_session", session="s")
    for operation in ("executeCode", "executeCommand", "listFiles"):
        world.agentcore.results[operation] = {
            "content": [
                {"type": "text", "text": half},
                {"type": "resource_link", "name": half, "description": "File"},
            ],
            "structuredContent": {"stdout": half, "stderr": half, "exitCode": 0},
            "isError": False,
        }
    response = world.ok(tool, session="s", **arguments)
    assert "half ? of a pair" in json.dumps(response, ensure_ascii=False).encode().decode()


def test_what_was_left_out_before_is_counted() -> None:
    """The observer in the kernel leaves out the middle of a very long output."""
    output = f"{'a' * 300}\n[... 7000 characters left out ...]\n{'b' * 300}"
    shortened = truncate_values({"stdout": output}, 200, 0.5)["stdout"]
    assert shortened == f"{'a' * 100}\n[... 7400 characters left out ...]\n{'b' * 100}"


@given(st.text(), st.integers(0, 20))
def test_what_is_cut_can_still_be_decoded(text: str, longest: int) -> None:
    shortened = truncate_values(text, longest, 0.5)
    assert text.startswith(shortened)
    assert shortened == text or len(shortened) % 4 == 0
    assert len(shortened) <= max(longest, 4)


NAMES = st.text().filter(lambda name: name not in OUTPUT_MEMBERS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=15,
)


@settings(max_examples=40)
@given(JSON, st.integers(0, 50))
def test_what_is_cut_is_a_beginning(value: Any, longest: int) -> None:
    shortened = truncate_values(value, longest, 0.5)
    assert size_of(shortened) <= size_of(value)
    if isinstance(value, list):
        assert len(shortened) <= max(longest, 1)


@given(st.text(), st.integers(1, 50), st.sampled_from([0.5, 0.75]))
def test_output_keeps_both_ends_and_says_how_much_is_left_out(
    text: str, length: int, tail: float
) -> None:
    found = truncate_values({"stdout": text}, length, tail)["stdout"]
    if len(text) <= length:
        assert found == text
        return
    match = re.fullmatch(
        r"(.*)\n\[\.\.\. (\d+) characters left out \.\.\.\]\n(.*)", found, re.DOTALL
    )
    assert match
    first, marker, last = match.groups()
    assert text.startswith(first)
    assert text.endswith(last)
    assert len(first) + len(last) + int(marker) == len(text)
    assert len(last) == round(length * tail)


def test_the_end_of_a_long_output_is_in_the_response(world: World) -> None:
    code = "print('begun'); print('x' * 13_000_000); print('RESULT: 42')"
    response = world.ok("execute_code", session="s", code=code)
    assert response["stdout"].startswith("begun\n")
    assert response["stdout"].rstrip().endswith("RESULT: 42")
    assert "characters left out" in response["stdout"]
    assert size_of(response) <= MAX_LAMBDA_RESPONSE_BYTES
    # Nearly all of the limit is used.
    assert size_of(response) > MAX_LAMBDA_RESPONSE_BYTES * 0.97
    assert len(whole_response(world, response)["stdout"]) > 13_000_000
