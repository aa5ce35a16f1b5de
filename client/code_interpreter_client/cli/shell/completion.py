"""Completion at Tab: names of the session, files of this machine, commands of the shell."""

from __future__ import annotations

import builtins
import json
import keyword
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from ...errors import CodeInterpreterError
from .magics import MAGICS

if TYPE_CHECKING:
    from ...session import Session

# A name, or attributes of a name. Nothing else is evaluated for completion.
DOTTED_NAME: Final = re.compile(r"((?:[^\W\d]\w*\.)*)((?:[^\W\d]\w*)?)$")
# Programs that leave no name behind.
GLOBAL_NAMES: Final = "print(__import__('json').dumps([*globals()]))"
ATTRIBUTES: Final = "print(__import__('json').dumps(dir({})))"
TIMEOUT_SECONDS: Final = 2
# Magics whose arguments are files of this machine.
TAKE_FILES: Final = ("%upload ", "%run ")


class ShellCompleter(Completer):
    """Completes what is left of the cursor. It asks the session at Tab, by one request."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._files = PathCompleter(expanduser=True)
        self._restarted = False

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Yield the completions of the word at the cursor."""
        line = document.current_line_before_cursor
        if line.startswith(TAKE_FILES):
            word = Document(line.rpartition(" ")[2])
            return self._files.get_completions(word, complete_event)
        if line.startswith("!"):
            return ()
        if line.startswith("%"):
            return matching((f"%{name}" for name in MAGICS), line)
        found = DOTTED_NAME.search(line)
        assert found is not None
        path, prefix = found.groups()
        return matching(self._names(path.rstrip(".")), prefix)

    def take_restarted(self) -> bool:
        """Return, once, whether a completion was the first to meet a new sandbox."""
        restarted, self._restarted = self._restarted, False
        return restarted

    def _names(self, path: str) -> list[str]:
        """Return the attributes of an object of the session, or all names."""
        known = [] if path else [*dir(builtins), *keyword.kwlist]
        code = ATTRIBUTES.format(path) if path else GLOBAL_NAMES
        try:
            result = self._session.run(code, timeout=TIMEOUT_SECONDS, check=False)
            self._restarted |= result.session_restarted
            return [*known, *json.loads(result.stdout)]
        except (CodeInterpreterError, ValueError):
            return known


def matching(names: Iterable[str], prefix: str) -> Iterator[Completion]:
    """Yield the names that begin with a prefix. Private names need an underscore."""
    for name in sorted(set(names)):
        if name.startswith(prefix) and (prefix or not name.startswith("_")):
            yield Completion(name, start_position=-len(prefix))
