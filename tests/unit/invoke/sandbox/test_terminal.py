from __future__ import annotations

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


def test_colours_and_cursor_movements_are_removed() -> None:
    assert strip_control_sequences("\x1b[0;31mError\x1b[0m\x1b[2K: x") == "Error: x"
