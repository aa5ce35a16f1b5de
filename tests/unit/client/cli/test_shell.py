"""The parts of the shell that need no terminal."""

from __future__ import annotations

import base64
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from code_interpreter_client.cli.shell.completion import ShellCompleter
from code_interpreter_client.cli.shell.images import iterm2, kitty, protocol_of
from code_interpreter_client.cli.shell.prompt import indentation_after, is_complete
from code_interpreter_client.errors import NotStarted
from code_interpreter_client.session import Session


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1", True),
        ("", True),
        ("print(1", False),
        ("x = '''a", False),
        ("x = '''a\nb'''", True),
        ("if x:", False),
        ("if x:\n    y", False),
        ("if x:\n    y\n", True),
        ("if x:\n    y\n    ", True),
        ("if x:\n    y\nelse:", False),
        ("def f(): return 1", True),
        ("@decorator", False),
        ("a = 1\nb = 2", True),
        ("a = \\", False),
        ("await f()", True),
        ("1 +", True),  # an error, which Python in the sandbox explains
        ("x = !ls", True),
        ("%timeit f(", True),
        ("!ls (", True),
        ("!ls \\", False),
        ("%%time", False),
        ("%%time\nf()", False),
        ("%%time\nf()\n", True),
    ],
)
def test_a_program_goes_on_until_it_is_complete(text: str, expected: bool) -> None:
    assert is_complete(text) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [("x = 1", ""), ("if x:", "    "), ("    y", "    "), ("    for z in y:  ", "        ")],
)
def test_the_next_line_is_indented(line: str, expected: str) -> None:
    assert indentation_after(line) == expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "foot-direct"}, "sixel"),
        ({"TERM": "xterm-256color", "WT_SESSION": "1"}, "sixel"),
        ({"TERM": "xterm-kitty", "CODE_INTERPRETER_IMAGES": "sixel"}, "sixel"),
        ({"TERM": "xterm-kitty", "CODE_INTERPRETER_IMAGES": "none"}, None),
        ({"TERM": "xterm", "CODE_INTERPRETER_IMAGES": "Kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"LC_TERMINAL": "iTerm2"}, "iterm2"),
        ({"TERM": "screen-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "tmux-256color", "LC_TERMINAL": "iTerm2"}, None),
        ({}, None),
    ],
)
def test_a_terminal_is_known_by_its_variables(
    variables: dict[str, str], expected: str | None
) -> None:
    assert protocol_of(variables) == expected


def test_kitty_gets_an_image_in_parts() -> None:
    image = bytes(range(256)) * 20
    *parts, end = kitty(image)
    assert end == "\n"
    assert [part.partition(";")[0] for part in parts] == ["\033_Ga=T,f=100,m=1", "\033_Gm=0"]
    text = "".join(part.partition(";")[2].removesuffix("\033\\") for part in parts)
    assert base64.b64decode(text) == image


def test_iterm2_gets_an_image_at_once() -> None:
    assert iterm2(b"image") == "\033]1337;File=inline=1;size=5:aW1hZ2U=\a\n"


Run = Callable[..., Any]


def complete(run: Run, text: str) -> list[str]:
    session = cast("Session", SimpleNamespace(run=run))
    completions = ShellCompleter(session).get_completions(Document(text), CompleteEvent())
    return [completion.text for completion in completions]


def names(*given: str) -> Run:
    def run(*_: Any, **__: Any) -> Any:
        stdout = str(list(given)).replace("'", '"')
        return SimpleNamespace(stdout=stdout, session_restarted=False)

    return run


def unused(code: str, **_: Any) -> Any:
    raise AssertionError(f"the session was asked: {code}")


def failing(*_: Any, **__: Any) -> Any:
    raise NotStarted("busy")


@pytest.mark.parametrize(
    ("run", "text", "expected"),
    [
        (names("total", "totals", "other"), "print(tota", ["total", "totals"]),
        (names("total"), "imp", ["import"]),
        (names("sum", "_private"), "df.", ["sum"]),
        (names("sum", "_private"), "df._", ["_private"]),
        (names("sum"), "f(df.column.s", ["sum"]),
        (failing, "imp", ["import"]),
        (failing, "df.", []),
        (unused, "%upl", ["%upload"]),
        (unused, "!ls", []),
    ],
)
def test_names_are_completed(run: Run, text: str, expected: list[str]) -> None:
    assert complete(run, text) == expected


def test_an_expression_is_not_evaluated_for_completion() -> None:
    codes = []

    def run(code: str, **_: Any) -> Any:
        codes.append(code)
        return SimpleNamespace(stdout="[]", session_restarted=False)

    complete(run, "delete_everything().na")
    assert "delete_everything" not in codes[0]
