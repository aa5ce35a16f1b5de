"""The session of a notebook: its cells, the commands in them, and names to complete."""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import TYPE_CHECKING, Final

from ..cli.failures import sentence
from ..cli.shell import magics
from ..errors import CodeInterpreterError
from .introspection import Introspection

if TYPE_CHECKING:
    from ..cli.programs import Language
    from ..cli.target import Target
    from ..results import Result
    from ..running import RunningProgram
    from ..session import Session
    from .cell import Cell, CellError
    from .introspection import Bundle


# Seconds for which a request is sent again: a cell's result is worth more patience than a prompt's.
RETRY_SECONDS: Final = 60.0


class Notebook:
    """The session of a notebook, and the program that runs in it.

    The deployed function is looked for at the first cell, and until it is found.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._session: Session | None = None
        # Names are asked for once a cell has started the sandbox.
        self._introspection: Introspection | None = None
        self._running: tuple[RunningProgram, Cell] | None = None

    @property
    def session(self) -> Session:
        """The session.

        :raises FunctionUnavailable: if the function cannot be found
        """
        if self._session is None:
            interpreter = self._target.interpreter(retry_seconds=RETRY_SECONDS)
            self._session = interpreter.session(self._target.session)
        return self._session

    def run(self, cell: Cell, code: str) -> CellError | None:
        """Run the commands at the beginning of a cell, then its program; return how it failed."""
        commands = Commands(self, cell)
        lines = code.split("\n")
        for number, line in enumerate(lines):
            if line.strip() and not commands.execute(line.strip()):
                break
            if commands.error is not None:
                return commands.error
            lines[number] = ""  # the lines of the program keep their numbers
        program = "\n".join(lines)
        if not program.strip():
            return None
        return self.run_program(cell, program)

    def run_program(self, cell: Cell, code: str, language: Language = "python") -> CellError | None:
        """Run a program, show its output and its values, and return how it failed."""
        program = self.session.submit(
            code, language=language, check=False, on_output=cell.on_output
        )
        self._running = program, cell
        try:
            result = program.result()
        finally:
            self._running = None
        self._tell(cell, result)
        self._introspection = self._introspection or Introspection(self.session)
        cell.show(result)
        return cell.error_of(result)

    def _tell(self, cell: Cell, result: Result) -> None:
        """Say what else the response knows."""
        has_restarted = self._introspection is not None and self._introspection.take_restarted()
        if result.session_restarted or has_restarted:
            cell.note("the sandbox had ended, and a new one is in its place: variables are lost")
        elif result.variables_lost:
            cell.note("Python was started anew: variables are lost")
        for warning in result.warnings:
            cell.note(warning)

    def interrupt(self) -> None:
        """Interrupt the program that runs; its variables are kept."""
        if self._running is None:
            return
        program, cell = self._running
        try:
            program.interrupt()
        except CodeInterpreterError as error:
            cell.note(sentence(error))

    def complete(self, code: str, cursor: int) -> tuple[list[str], int, int]:
        """Return the completions at the cursor, and the ends of the text that they replace."""
        begin = code.rfind("\n", 0, cursor) + 1
        line = code[begin:cursor]
        own = [name for name in (f"%{name}" for name in magics.MAGICS) if name.startswith(line)]
        if line and own:
            return own, begin, cursor
        if self._introspection is None or self._running is not None:
            return [], cursor, cursor
        return self._introspection.complete(code, cursor)

    def inspect(self, code: str, cursor: int, detail: int) -> Bundle:
        """Return the description of the name at the cursor as a mime bundle; empty if unknown."""
        if self._introspection is None or self._running is not None:
            return {}
        return self._introspection.inspect(code, cursor, detail)

    def close(self, *, restart: bool) -> None:
        """Stop the sandbox, but that of a named session only if a new one is asked for."""
        if self._session is None or (self._target.session is not None and not restart):
            return
        with suppress(CodeInterpreterError):  # it ends by itself
            self._session.stop()


class Commands:
    """The session and the folder on which the commands of a cell, such as `%upload`, act."""

    def __init__(self, notebook: Notebook, cell: Cell) -> None:
        self._notebook = notebook
        self._cell = cell
        self.error: CellError | None = None

    def execute(self, line: str) -> bool:
        """Run a command, and return whether the line is one."""
        stdout, stderr = self._cell.stream("stdout"), self._cell.stream("stderr")
        with redirect_stdout(stdout), redirect_stderr(stderr):
            return magics.execute(self, line)

    @property
    def session(self) -> Session:
        return self._notebook.session

    def run_program(self, code: str, language: Language = "python") -> None:
        """Run the program of `%run`."""
        self.error = self._notebook.run_program(self._cell, code, language)
