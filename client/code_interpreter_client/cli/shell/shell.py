"""The loop of the shell: read a program, run it, print its result."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import CodeInterpreterError
from ..failures import UsageError, sentence
from ..output import Live, fail, note, show
from ..programs import Language, show_outcome, wait
from . import magics
from .completion import ShellCompleter
from .images import show_image
from .prompt import Prompt

if TYPE_CHECKING:
    from ...results import Figure
    from ...running import RunningProgram
    from ...session import Session

LEAVE: Final = frozenset({"exit", "exit()", "quit", "quit()", "%exit", "%quit"})


class Shell:
    """A prompt for the programs of one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._completer = ShellCompleter(session)
        self._prompt = Prompt(self._completer)

    def run(self) -> None:
        """Run programs until Ctrl-D."""
        note(f"the session is {self.session.name}; %help lists the commands, Ctrl-D leaves")
        while True:
            try:
                text = self._prompt.read()
                if text.strip() in LEAVE:
                    return
                self.execute(text)
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            except (CodeInterpreterError, OSError, UnicodeError, UsageError) as error:
                fail(sentence(error))

    def execute(self, text: str) -> None:
        """Run a program, a command after `!`, or a command of the shell after `%`."""
        stripped = text.strip()
        if not stripped:
            return
        if stripped.startswith("!"):
            self._follow(self.session.submit_command(stripped[1:], check=False))
        elif not magics.execute(self, stripped):
            # IPython in the sandbox has magics, too.
            self.run_program(text)

    def run_program(self, code: str, language: Language = "python") -> None:
        """Run a program, and print its output as it comes."""
        printer = Live()
        program = self.session.submit(code, language=language, check=False, on_output=printer)
        self._follow(program, printer)

    def _follow(self, program: RunningProgram, printer: Live | None = None) -> None:
        """Wait for a program, print what is not printed yet, and save its figures."""
        result, was_interrupted = wait(program, printer)
        if printer is None:
            show(result)
        if self._completer.take_restarted() and not result.session_restarted:
            note("the sandbox had ended, and a new one has taken its place: variables are lost")
        show_outcome(result, was_interrupted=was_interrupted)
        for figure in result.figures:
            self._save(figure)

    def _save(self, figure: Figure) -> None:
        """Save a figure under a new name, and show it if the terminal can."""
        suffix = Path(figure.name).suffix
        names = (Path(f"figure-{number}{suffix}") for number in itertools.count(1))
        path = figure.save(next(name for name in names if not name.exists()))
        show_image(figure)
        note(f"saved {path}")
