"""Text is printed as it is, and colours are for those who want them."""

from __future__ import annotations

import io
import os
import sys

import pytest

from code_interpreter_client.cli.app import main
from code_interpreter_client.cli.output import Live, OutputClosed, has_colours, write


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("a", "utf-8", b"a\n"),
        ("a\n", "utf-8", b"a\n"),
        ("a\n\n", "utf-8", b"a\n\n"),
        ("", "utf-8", b""),
        (" é\t", "utf-8", " é\t\n".encode()),
        ("é", "ascii", b"\\xe9\n"),
        ("\ud800", "utf-8", b"\\ud800\n"),
    ],
)
def test_text_ends_with_a_line(text: str, encoding: str, expected: bytes) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding, newline="")
    write(stream, text)
    assert written.getvalue() == expected


@pytest.mark.parametrize(
    ("is_terminal", "variables", "expected"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_terminals(
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,
    variables: dict[str, str],
    expected: bool,
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal)
    assert has_colours(stream) is expected


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], ""),
        ([("stdout", "a\n")], "a\n"),
        ([("stdout", "a")], "a\n"),
        ([("stdout", "a"), ("stdout", "b\n")], "ab\n"),
        ([("stdout", "a"), ("display", "b")], "ab\n"),
        # Each stream begins in a line of its own.
        ([("stdout", "a"), ("traceback", "b")], "a\nb\n"),
        ([("stderr", "a"), ("stdout", "b"), ("stderr", "c\n")], "a\nb\nc\n"),
        ([("stdout", "1%\r"), ("stdout", "2%\r")], "1%\r2%\r\n"),
    ],
)
def test_output_is_printed_as_it_comes(
    monkeypatch: pytest.MonkeyPatch, parts: list[tuple[str, str]], expected: str
) -> None:
    written = io.BytesIO()
    for name in ("stdout", "stderr"):
        stream = io.TextIOWrapper(written, encoding="utf-8", newline="")
        monkeypatch.setattr("sys." + name, stream)
    printer = Live()
    for part in parts:
        printer(*part)
    printer.end()
    printer.end()
    assert written.getvalue().decode() == expected


def test_a_stream_that_was_closed_from_the_start_gets_nothing() -> None:
    write(None, "text")
    assert not has_colours(None)


def test_a_reader_that_has_ended_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        with pytest.raises(OutputClosed):
            write(stream, "text")
        write(stream, "Python writes what is left at its end")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        assert main(["nope"]) == 141
