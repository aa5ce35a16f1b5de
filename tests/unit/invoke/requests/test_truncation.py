from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_interpreter_invoke.requests.request import MAX_LAMBDA_RESPONSE_BYTES
from code_interpreter_invoke.requests.truncation import OUTPUT_MEMBERS, truncate_values
from tests.fakes.client_error import client_error
from tests.fakes.world import World


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
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)


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
    code = "print('begun'); print('x' * 30_000_000); print('RESULT: 42')"
    response = world.ok("execute_code", session="s", code=code)
    assert response["stdout"].startswith("begun\n")
    assert response["stdout"].rstrip().endswith("RESULT: 42")
    assert "characters left out" in response["stdout"]
    assert size_of(response) <= MAX_LAMBDA_RESPONSE_BYTES
    # Nearly all of the limit is used.
    assert size_of(response) > MAX_LAMBDA_RESPONSE_BYTES * 0.97
    assert len(whole_response(world, response)["stdout"]) > 30_000_000
