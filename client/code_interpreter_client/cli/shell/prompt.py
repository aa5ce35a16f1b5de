"""The prompt: history, highlighting, and lines that belong together."""

from __future__ import annotations

import ast
import os
import sys
from codeop import CommandCompiler
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.python import PythonLexer

from ..output import has_colours

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completer

INDENTATION: Final = "    "


class Prompt:
    """Reads programs from a terminal."""

    def __init__(self, completer: Completer) -> None:
        self._session: PromptSession[str] = PromptSession(
            ">>> ",
            multiline=True,
            prompt_continuation="... ",
            lexer=PygmentsLexer(PythonLexer) if has_colours(sys.stdout) else None,
            history=open_history(),
            completer=completer,
            complete_while_typing=False,
            complete_in_thread=True,
            key_bindings=key_bindings(),
        )

    def read(self) -> str:
        """Return the next program.

        :raises EOFError: at Ctrl-D
        :raises KeyboardInterrupt: at Ctrl-C
        """
        return self._session.prompt()


def open_history() -> History:
    """Return the history of earlier shells, from a file that its user alone can read."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    path = Path(state, "code-interpreter", "history")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


def key_bindings() -> KeyBindings:
    """Return the keys that differ from a plain text's."""
    bindings = KeyBindings()

    @bindings.add("enter")
    def enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None and buffer.complete_state.current_completion:
            buffer.complete_state = None
            return
        document = buffer.document
        is_in_the_middle = "\n" in document.text and document.text_after_cursor.strip()
        if not is_in_the_middle and is_complete(document.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n" + indentation_after(document.current_line_before_cursor))

    @bindings.add("tab", filter=Condition(is_at_indentation))
    def tab(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(INDENTATION)

    return bindings


def is_at_indentation() -> bool:
    document = get_app().current_buffer.document
    return "\n" in document.text and not document.current_line_before_cursor.strip()


def indentation_after(line: str) -> str:
    """Return the indentation of the line that follows a line."""
    indentation = line[: len(line) - len(line.lstrip())]
    return indentation + INDENTATION if line.rstrip().endswith(":") else indentation


def is_complete(text: str) -> bool:
    """Return whether a program can run, as opposed to one that goes on in the next line.

    An indented block goes on until a blank line. A program with an error in it is complete: Python
    in the sandbox says what is wrong.
    """
    last_line = text.rpartition("\n")[2]
    if text.startswith("%%"):
        return "\n" in text and not last_line.strip()
    if text.lstrip().startswith(("%", "!")):
        return not text.endswith("\\")
    compiler = CommandCompiler()
    compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        if compiler(text, symbol="exec") is None:
            return False
    except (SyntaxError, OverflowError, ValueError):
        return True
    return not (last_line.strip() and last_line[0].isspace())
