from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_interpreter_client import output, terminal
from code_interpreter_client.errors import CodeFailed, InvalidRequest
from code_interpreter_client.output import OutputReader
from code_interpreter_client.results import Result
from code_interpreter_invoke.sandbox import terminal as terminal_of_function

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Pieces = list[tuple[str, str]]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_LOOK", "LOOK", "MAX_LOOK"):
        monkeypatch.setattr(output, name, 0.005)


def result(stdout: str = "", stderr: str = "", **members: Any) -> Result:
    response = {"status": "ok", "stdout": stdout, "stderr": stderr, **members}
    return Result.from_response(response, "k", lambda _path: b"")


class Program:
    """A program whose writes are read one by one before it ends."""

    def __init__(self, *writes: tuple[str, str]) -> None:
        self._writes = writes
        self._is_read = threading.Event()

    def read(self, offset: int) -> Mapping[str, Any]:
        if offset >= len(self._writes):
            self._is_read.set()
            return {"output": [], "next_offset": offset}
        stream, text = self._writes[offset]
        return {"output": [{"stream": stream, "text": text}], "next_offset": offset + 1}

    def result(self, result: Result) -> Callable[[], Result]:
        def send() -> Result:
            assert self._is_read.wait(10)
            return result

        return send


def delivered(writes: Pieces, ended: Result) -> Pieces:
    """Return what a program with these writes delivers: live, and then the rest."""
    program = Program(*writes)
    pieces: Pieces = []
    reader = OutputReader(lambda stream, text: pieces.append((stream, text)), program.read)
    assert reader.run(program.result(ended)) is ended
    assert pieces[: len(writes)] == writes
    return pieces[len(writes) :]


@pytest.mark.parametrize(
    ("writes", "stdout", "rest"),
    [
        ([], "", []),
        ([], "a\nb", [("stdout", "a\nb")]),
        ([("stdout", "a\n")], "a", []),
        ([("stdout", "a\n")], "a\nb", [("stdout", "b")]),
        ([("stdout", "a\nb")], "a\nbc\nd", [("stdout", "c\nd")]),
        # Child processes have written in between.
        ([("stdout", "a\nc\n")], "a\nchild\nc\nd", [("stdout", "child\nd")]),
        ([("stdout", "a\na\n")], "a\nchild\na\na", [("stdout", "child\na")]),
        # A progress bar leaves its last state.
        ([("stdout", "10%\r20%")], "30%\nend", [("stdout", "\r30%\nend")]),
        ([("stdout", "10%\r20%\n")], "20%\nend", [("stdout", "end")]),
        ([("stdout", "a\r\nb\r\n")], "a\nb\nc", [("stdout", "c")]),
    ],
)
def test_the_rest_comes_from_the_result(writes: Pieces, stdout: str, rest: Pieces) -> None:
    assert delivered(writes, result(stdout)) == rest


@pytest.mark.parametrize(
    ("writes", "stdout", "shown", "rest"),
    [
        ([], "42", ["42"], [("display", "42")]),
        ([], "a\n42", ["42"], [("stdout", "a\n"), ("display", "42")]),
        ([], "42\n42", ["42"], [("stdout", "42\n"), ("display", "42")]),
        ([], "1\n2\n3", ["1", "3"], [("display", "1\n"), ("stdout", "2\n"), ("display", "3")]),
        ([], "x42", ["42"], [("stdout", "x42")]),
        ([], "a", [""], [("stdout", "a")]),
        (
            [],
            "a\n  x\n1 2\nb",
            ["  x\n1 2"],
            [("stdout", "a\n"), ("display", "  x\n1 2\n"), ("stdout", "b")],
        ),
        ([("stdout", "a\n"), ("display", "1\n")], "a\n1\n2", ["1", "2"], [("display", "2")]),
        ([("stdout", "a\n"), ("display", "1\n")], "a\n1", ["1"], []),
    ],
)
def test_the_text_of_a_displayed_value_is_told_from_what_is_printed(
    writes: Pieces, stdout: str, shown: list[str], rest: Pieces
) -> None:
    ended = result(stdout, results=[{"text/plain": text} for text in shown])
    assert delivered(writes, ended) == rest


DASHES = "-" * 75
ERROR = {"type": "ValueError", "message": "x"}


@pytest.mark.parametrize(
    "traceback",
    [
        f"{DASHES}\nValueError    Traceback (most recent call last)\nCell In[1], line 1",
        "Traceback (most recent call last):\n  File '<stdin>'\nValueError: x",
        "  Cell In[1], line 1\n    1 +\n       ^\nSyntaxError: x",
        "  + Exception Group Traceback (most recent call last):\n  | x",
    ],
)
def test_the_traceback_is_told_from_the_standard_error(traceback: str) -> None:
    error = {"type": "CodeFailed", "message": "x", "retryable": False, "exception": ERROR}
    ended = result("", f"one\ntwo\n{traceback}", error=error)
    writes = [("stderr", "\x1b[31mone\x1b[0m\n")]
    assert delivered(writes, ended) == [("stderr", "two\n"), ("traceback", traceback)]


def test_a_program_that_fails_delivers_its_rest_and_its_error() -> None:
    pieces: Pieces = []
    reader = OutputReader(lambda stream, text: pieces.append((stream, text)), None)

    def fail() -> Result:
        raise CodeFailed("failed", result=result("a", "b"))

    with pytest.raises(CodeFailed):
        reader.run(fail)
    assert pieces == [("stdout", "a"), ("stderr", "b")]


def test_a_program_whose_output_cannot_be_read_delivers_all_at_the_end() -> None:
    reads = []
    has_tried = threading.Event()

    def read(offset: int) -> Mapping[str, Any]:
        reads.append(offset)
        has_tried.set()
        raise InvalidRequest("there is no tool 'read_output'")

    def send() -> Result:
        assert has_tried.wait(10)
        time.sleep(0.05)
        return result("a")

    pieces: Pieces = []
    OutputReader(lambda stream, text: pieces.append((stream, text)), read).run(send)
    assert pieces == [("stdout", "a")]
    assert reads == [0]


def test_a_read_that_hangs_delays_no_result_and_delivers_nothing_twice() -> None:
    is_reading, go_on, is_over = threading.Event(), threading.Event(), threading.Event()

    def read(_offset: int) -> Mapping[str, Any]:
        is_reading.set()
        assert go_on.wait(10)
        is_over.set()
        return {"output": [{"stream": "stdout", "text": "a\n"}], "next_offset": 1}

    def send() -> Result:
        assert is_reading.wait(10)
        return result("a\nb")

    pieces: Pieces = []
    OutputReader(lambda stream, text: pieces.append((stream, text)), read).run(send)
    go_on.set()
    assert is_over.wait(10)
    time.sleep(0.05)
    assert pieces == [("stdout", "a\nb")]


def test_a_callback_that_fails_gets_no_more_and_fails_no_program(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = []

    def fail(_stream: str, text: str) -> None:
        calls.append(text)
        raise ValueError("closed")

    program = Program(("stdout", "a\n"), ("stdout", "b\n"))
    ended = result("a\nb\nc")
    assert OutputReader(fail, program.read).run(program.result(ended)) is ended
    assert calls == ["a\n"]
    assert "on_output failed" in caplog.text


@given(st.text(alphabet="ab\r\n\x1b[K1mü", max_size=40))
def test_lines_are_overwritten_as_the_function_does(text: str) -> None:
    assert terminal.overwrite_lines(text) == terminal_of_function.overwrite_lines(text)
    stripped = terminal_of_function.strip_control_sequences(text)
    assert terminal.strip_control_sequences(text) == stripped


@given(
    st.lists(
        st.tuples(st.sampled_from(["stdout", "stderr"]), st.text(alphabet="ab\n", max_size=8)),
        max_size=8,
    ),
    st.integers(0, 8),
)
def test_every_part_is_delivered_once_and_in_order(writes: Pieces, count: int) -> None:
    whole = {
        name: "".join(text for stream, text in writes if stream == name)
        for name in ("stdout", "stderr")
    }
    pieces: Pieces = []
    reader = OutputReader(lambda stream, text: pieces.append((stream, text)), None)
    for stream, text in writes[:count]:
        reader._deliver(stream, text)  # type: ignore[arg-type]  # one of the two
    reader.run(lambda: result(whole["stdout"], whole["stderr"]))
    for name, text in whole.items():
        assert "".join(text for stream, text in pieces if stream == name) == text
