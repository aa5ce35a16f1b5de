from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_interpreter_invoke.sandbox.results import fold

HELLO = {
    "content": [{"type": "text", "text": "Hello"}],
    "structuredContent": {"stdout": "Hello", "stderr": "", "exitCode": 0, "executionTime": 0.015},
    "isError": False,
}


def test_a_single_event_is_the_result() -> None:
    result = fold([HELLO])
    assert (result.stdout, result.stderr, result.exit_code) == ("Hello", "", 0)
    assert result.execution_time == 0.015
    assert not result.failed


@pytest.mark.parametrize(
    ("is_error", "exit_code", "failed"),
    [
        (False, 0, False),
        (False, None, False),
        (True, 0, True),
        (False, 1, True),
        (True, None, True),
        (None, 3, True),
    ],
)
def test_either_sign_of_failure_is_a_failure(
    is_error: bool | None, exit_code: int | None, failed: bool
) -> None:
    structured = {} if exit_code is None else {"exitCode": exit_code}
    assert fold([{"content": [], "structuredContent": structured, "isError": is_error}]).failed is (
        failed
    )


def test_stdout_is_kept_on_failure() -> None:
    result = fold(
        [
            {
                "content": [{"type": "text", "text": "before"}, {"type": "text", "text": "boom"}],
                "structuredContent": {"stdout": "before", "stderr": "boom", "exitCode": 1},
                "isError": True,
            }
        ]
    )
    assert (result.stdout, result.stderr) == ("before", "boom")


def test_text_alone_is_stderr_of_an_error() -> None:
    result = fold([{"content": [{"type": "text", "text": "no such tool"}], "isError": True}])
    assert (result.stdout, result.stderr, result.text) == ("", "no such tool", "no such tool")


def test_text_alone_is_stdout_of_a_success() -> None:
    assert fold([{"content": [{"type": "text", "text": "42"}]}]).stdout == "42"


def test_events_are_merged() -> None:
    events: list[dict[str, Any]] = [
        {"content": [{"type": "text", "text": "a"}], "isError": True},
        {"content": [{"type": "text", "text": "b"}], "structuredContent": {"exitCode": 2}},
    ]
    result = fold(events)
    assert result.text == "a\nb"
    assert result.is_error
    assert result.exit_code == 2


@given(st.lists(st.text(min_size=1), min_size=1))
def test_events_with_the_output_so_far_give_the_whole_output(pieces: list[str]) -> None:
    whole = "".join(pieces)
    so_far = ["".join(pieces[: index + 1]) for index in range(len(pieces))]
    assert fold([{"structuredContent": {"stdout": text}} for text in so_far]).stdout == whole


def test_events_with_pieces_of_the_output_give_the_whole_output() -> None:
    events = [{"structuredContent": {"stdout": text}} for text in ("one ", "two ", "three")]
    assert fold(events).stdout == "one two three"
