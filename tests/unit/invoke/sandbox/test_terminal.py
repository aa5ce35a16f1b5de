from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_interpreter_invoke.sandbox.terminal import overwrite_lines, strip_control_sequences


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\r\n", "a\nb\n"),
        ("10%\r50%\r100%\ndone", "100%\ndone"),
        ("working...\rok", "okrking..."),
        ("working...\r\x1b[Kok", "\x1b[Kok"),
        ("\x1b[32m10%\x1b[0m\r\x1b[32m99%\x1b[0m", "\x1b[32m99%\x1b[0m"),
        ("kept\r", "kept"),
        ("\x1b[32mkept\x1b[0m\r", "\x1b[32mkept\x1b[0m"),
        ("no carriage return\n", "no carriage return\n"),
    ],
)
def test_a_carriage_return_overwrites_its_line(text: str, shown: str) -> None:
    assert overwrite_lines(text) == shown


@given(st.text(st.characters(exclude_characters="\r")))
def test_text_without_carriage_returns_is_unchanged(text: str) -> None:
    assert overwrite_lines(text) == text


def overwritten_step_by_step(line: str) -> str:
    """Overwrite a line as a terminal does: part after part."""
    shown = ""
    for part in line.split("\r"):
        width = len(strip_control_sequences(part))
        kept = "" if "\x1b[K" in part else strip_control_sequences(shown)[width:]
        shown = part + kept if width else shown
    return shown


@given(st.lists(st.sampled_from(["\r", "a", "bcd", "ü", "\x1b[K", "\x1b[32m", "\x1b[0m"])))
def test_a_line_shows_what_a_terminal_shows(pieces: list[str]) -> None:
    line = "".join(pieces)
    if "\r" in line:
        assert overwrite_lines(line) == overwritten_step_by_step(line)


def test_the_time_does_not_grow_with_the_parts_of_a_long_line() -> None:
    began_at = time.process_time()
    assert overwrite_lines("a" * 1_000_000 + "\r." * 20_000) == "." + "a" * 999_999
    assert time.process_time() - began_at < 1


def test_colours_and_cursor_movements_are_removed() -> None:
    assert strip_control_sequences("\x1b[0;31mError\x1b[0m\x1b[2K: x") == "Error: x"
