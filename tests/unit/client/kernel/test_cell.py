"""The messages of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from code_interpreter_client.errors import TransferFailed
from code_interpreter_client.kernel.cell import Cell, CellError, coloured
from code_interpreter_client.results import Result

DASHES = "-" * 75
TRACEBACK = (
    f"{DASHES}\nKeyError      Traceback (most recent call last)\nCell In[1], line 1\n"
    "----> 1 {}['a']\n\nKeyError: 'a'"
)


class Messages:
    """The messages that a cell has sent."""

    def __init__(self, *, silent: bool = False) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.cell = Cell(
            lambda kind, content: self.sent.append((kind, dict(content))), 3, silent=silent
        )


def result(error: Mapping[str, Any] | None = None, **members: Any) -> Result:
    def load(path: str) -> bytes:
        raise TransferFailed(f"{path} did not come")

    response = {"status": "error" if error else "ok", **members}
    if error:
        response["error"] = {"retryable": False, **error}
    return Result.from_response(response, "k", load)


def test_output_is_shown_and_the_text_of_values_is_not() -> None:
    messages = Messages()
    for stream in ("stdout", "stderr", "display", "traceback"):
        messages.cell.on_output(stream, stream)
    assert messages.sent == [
        ("stream", {"name": "stdout", "text": "stdout"}),
        ("stream", {"name": "stderr", "text": "stderr"}),
    ]


@pytest.mark.parametrize(
    ("last", "kinds"),
    [
        ({}, ["display_data", "display_data"]),
        ({"last_expression": 0}, ["execute_result", "display_data"]),
        ({"last_expression": 1}, ["display_data", "execute_result"]),
        ({"last_expression": 7}, ["display_data", "display_data"]),
    ],
)
def test_the_last_expressions_value_is_the_result(last: dict[str, Any], kinds: list[str]) -> None:
    messages = Messages()
    bundles = [{"text/plain": "a"}, {"text/plain": "b", "image/png": "iVBOR"}]
    messages.cell.show(result(None, results=bundles, **last))
    assert [kind for kind, _ in messages.sent] == kinds
    assert [content["data"] for _, content in messages.sent] == bundles
    numbers = [content.get("execution_count") for _, content in messages.sent]
    assert numbers == [3 if kind == "execute_result" else None for kind in kinds]


def test_a_format_that_cannot_be_loaded_is_left_out() -> None:
    messages = Messages()
    bundle = {"text/plain": "a", "files": {"text/html": "code-interpreter/results/1.html"}}
    messages.cell.show(result(results=[bundle]))
    assert messages.sent[0][1]["data"] == {"text/plain": "a"}


def test_a_silent_cell_sends_nothing() -> None:
    messages = Messages(silent=True)
    messages.cell.on_output("stdout", "a")
    messages.cell.show(result(results=[{"text/plain": "a"}]))
    messages.cell.note("x")
    assert messages.sent == []


EXCEPTION = {"type": "KeyError", "message": "'a'"}
FAILED = {"type": "CodeFailed", "message": "the code failed"}


@pytest.mark.parametrize(
    ("error", "traceback", "expected"),
    [
        (None, "", None),
        ({**FAILED, "exception": EXCEPTION}, "", CellError.of("KeyError", "'a'")),
        (
            {**FAILED, "exception": EXCEPTION},
            TRACEBACK,
            CellError("KeyError", "'a'", coloured(TRACEBACK, "KeyError").split("\n")),
        ),
        (FAILED, "", CellError.of("CodeFailed", "the code failed")),
        ({**FAILED, "type": "NotStarted"}, "", CellError.of("NotStarted", "the code failed")),
    ],
)
def test_an_error_has_the_exceptions_name(
    error: dict[str, Any] | None, traceback: str, expected: CellError | None
) -> None:
    messages = Messages()
    messages.cell.on_output("traceback", traceback)
    assert messages.cell.error_of(result(error)) == expected


def test_a_traceback_has_colours_and_the_same_text() -> None:
    shown = coloured(TRACEBACK, "KeyError")
    assert shown.replace("\x1b[31m", "").replace("\x1b[32m", "").replace("\x1b[0m", "") == TRACEBACK
    assert "\x1b[31mKeyError\x1b[0m: 'a'" in shown
    assert "\x1b[32m----> 1 {}['a']\x1b[0m" in shown


def test_what_a_command_prints_is_shown() -> None:
    messages = Messages()
    stream = messages.cell.stream("stdout")
    assert not stream.isatty()
    print("a", "b", file=stream)
    assert "".join(content["text"] for _, content in messages.sent) == "a b\n"
