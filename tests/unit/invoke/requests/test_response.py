from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_interpreter_invoke.requests.callers import ANSWER_BYTES
from code_interpreter_invoke.requests.response import cut, size
from tests.fakes.client_error import client_error
from tests.fakes.world import World


def whole_answer(world: World, answer: dict[str, Any]) -> dict[str, Any]:
    name = answer["full_answer"].removeprefix("code-interpreter/")
    return dict(json.loads(world.s3.saved(answer["session"])[name]))


def test_an_answer_that_fits_is_left_alone(world: World) -> None:
    answer = world.ok("execute_code", session="s", code="print('x' * 5_000_000)")
    assert len(answer["stdout"]) == 5_000_000
    assert "truncated" not in answer
    assert world.s3.saved("s") == {}


def test_an_answer_that_is_too_large_is_cut_and_kept_whole(world: World) -> None:
    answer = world.ok("execute_code", session="s", code="print('start' + 'x' * 7_000_000)")
    assert size(answer) <= ANSWER_BYTES
    assert answer["truncated"] is True
    assert answer["stdout"].startswith("startxxx")
    assert answer["exit_code"] == 0
    whole = whole_answer(world, answer)
    assert whole["stdout"] == "start" + "x" * 7_000_000


def test_without_a_session_it_is_kept_too(world: World) -> None:
    answer = world.ok("execute_code", code="print('x' * 7_000_000)")
    assert len(whole_answer(world, answer)["stdout"]) == 7_000_000


def test_a_failures_output_is_cut_too(world: World) -> None:
    answer = world("execute_code", session="s", code="print('x' * 7_000_000); 1/0")
    assert answer["error"]["type"] == "CodeFailed"
    assert answer["truncated"] is True
    assert size(answer) <= ANSWER_BYTES


def test_characters_count_as_they_are_escaped(world: World) -> None:
    answer = world.ok("execute_code", session="s", code=r"print('\x01' * 2_000_000)")
    assert answer["truncated"] is True
    assert size(answer) <= ANSWER_BYTES


def test_files_are_cut_so_that_base64_can_be_decoded(world: World) -> None:
    world.ok("execute_code", session="s", code="(here / 'f').write_bytes(b'\\xff' * 6_000_000)")
    answer = world.ok("file_operations", session="s", operation="read", paths=["f"])
    assert answer["truncated"] is True
    [file] = answer["files"]
    assert set(base64.b64decode(file["content"], validate=True)) == {0xFF}
    assert file["size"] == 6_000_000


def test_an_answer_that_cannot_be_kept_says_so(world: World) -> None:
    def fail(operation: str, key: str) -> None:
        if operation == "PutObject" and "/answers/" in key:
            raise client_error("SlowDown", 503, "PutObject")

    world.s3.before = fail
    answer = world.ok("execute_code", session="s", code="print('x' * 7_000_000)")
    assert answer["truncated"] is True
    assert "full_answer" not in answer
    assert "SlowDown" in answer["warnings"][0]


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
    answer = world.ok(tool, session="s", **arguments)
    assert "half ? of a pair" in json.dumps(answer, ensure_ascii=False).encode().decode()


@given(st.text(), st.integers(0, 20))
def test_what_is_cut_can_still_be_decoded(text: str, longest: int) -> None:
    shortened = cut(text, longest)
    assert text.startswith(shortened)
    assert shortened == text or len(shortened) % 4 == 0
    assert len(shortened) <= max(longest, 4)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.integers(0, 50))
def test_what_is_cut_is_a_beginning(value: Any, longest: int) -> None:
    shortened = cut(value, longest)
    assert size(shortened) <= size(value)
    if isinstance(value, list):
        assert len(shortened) <= max(longest, 1)
