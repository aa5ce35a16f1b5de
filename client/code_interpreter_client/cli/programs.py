"""Commands that run something: `run`, `exec` and `sh`. Their exit code is the program's own."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ..errors import CodeInterpreterError, NotStarted, ProgramError, TimedOut, error_from
from ..results import Result
from .failures import INTERRUPTED, NOT_DONE, UsageError, exit_code_of
from .output import Live, counted, fail, leave_line, live, note, show, show_json, tell
from .target import Target, takes_target

if TYPE_CHECKING:
    from ..running import RunningProgram
    from ..session import Session

Language = Literal["python", "javascript", "typescript"]

LANGUAGES: Final[dict[str, Language]] = {
    ".py": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".ts": "typescript",
}

Json = Annotated[bool, typer.Option("--json", help="Print the function's response as it is.")]
Timeout = Annotated[
    int | None,
    typer.Option(
        metavar="SECONDS",
        min=1,
        max=900,
        help="The time limit. Default: the function's time.",
        show_default=False,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        metavar="KEY",
        help="The idempotency key of an earlier request in the same session, to get its result: "
        "nothing runs again.",
        show_default=False,
    ),
]
Figures = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", file_okay=False, help="Save the figures here.", show_default=False
    ),
]


@takes_target
def run(
    target: Target,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The program: .py, .js or .ts. - reads standard input.",
        ),
    ],
    language: Annotated[
        Language | None,
        typer.Option(
            help="The program's language. Default: by the suffix of FILE, else python.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A file that the program writes under this name. It is saved in the workspace, "
            "and fetched to the same name here.",
            show_default=False,
        ),
    ] = None,
    figures: Figures = None,
    timeout: Timeout = None,
    key: Key = None,
    as_json: Json = False,
) -> int:
    """Run a program of this machine."""
    output = None if output is None else below_folder(output)
    chosen = language or language_of(file)
    code = program_of(file)
    with target.session_of_program(key) as session:
        printer = None if as_json else live()
        program = session.submit(
            code,
            language=chosen,
            output_filename=output,
            timeout=timeout,
            check=False,
            key=key,
            on_output=printer,
        )
        result, exit_code = finish(program, printer, as_json=as_json, figures=figures)
        if output is not None and not fetch(session, result, output) and not exit_code:
            return NOT_DONE
        return exit_code


@takes_target
def exec_code(
    target: Target,
    code: Annotated[str, typer.Argument(metavar="CODE", help="The program's source code.")],
    language: Annotated[Language, typer.Option(help="The program's language.")] = "python",
    figures: Figures = None,
    timeout: Timeout = None,
    key: Key = None,
    as_json: Json = False,
) -> int:
    """Run a program that is on the command line."""
    with target.session_of_program(key) as session:
        printer = None if as_json else live()
        program = session.submit(
            code, language=language, timeout=timeout, check=False, key=key, on_output=printer
        )
        return finish(program, printer, as_json=as_json, figures=figures)[1]


@takes_target
def sh(
    target: Target,
    command: Annotated[str, typer.Argument(metavar="COMMAND", help="The command line, in quotes.")],
    timeout: Timeout = None,
    key: Key = None,
    as_json: Json = False,
) -> int:
    """Run a shell command. Its output is on standard error if it fails."""
    with target.session_of_program(key) as session:
        running = session.submit_command(command, timeout=timeout, check=False, key=key)
        return finish(running, as_json=as_json)[1]


def register(app: typer.Typer) -> None:
    app.command("run")(run)
    app.command("exec")(exec_code)
    app.command("sh")(sh)


def finish(
    program: RunningProgram,
    printer: Live | None = None,
    *,
    as_json: bool,
    figures: Path | None = None,
) -> tuple[Result, int]:
    """Wait for a program, print its result, and return the result and the exit code.

    :param printer: Prints its output as it comes.
    """
    result, was_interrupted = wait(program, printer)
    if as_json:
        show_json(result.response)
        save_figures(result, figures)
        failure = error_of(result)
        return result, INTERRUPTED if was_interrupted else exit_code_of(result, failure)
    if printer is None:
        show(result)
    exit_code = show_outcome(result, was_interrupted=was_interrupted)
    for path in save_figures(result, figures):
        note(f"saved {path}")
    if result.figures and figures is None:
        note(f"{counted(len(result.figures), 'figure')}; --figures FOLDER saves them")
    return result, exit_code


def show_outcome(result: Result, *, was_interrupted: bool) -> int:
    """Print what is to say about a program whose output is printed, and return the exit code."""
    tell(result)
    failure = error_of(result)
    if was_interrupted:
        return INTERRUPTED
    # A program's own exit code, and Python's traceback, need no further words.
    if failure is not None and (result.exit_code is None or isinstance(failure, TimedOut)):
        fail(failure.message)
    return exit_code_of(result, failure)


def wait(program: RunningProgram, printer: Live | None) -> tuple[Result, bool]:
    """Wait for a program's end, and return its result, and whether Ctrl-C has ended it.

    :param printer: Prints its output as it comes.
    :raises KeyboardInterrupt: if it cannot be interrupted, or at a second Ctrl-C
    """
    try:
        return wait_or_interrupt(program)
    finally:
        if printer is not None:
            printer.end()


def wait_or_interrupt(program: RunningProgram) -> tuple[Result, bool]:
    try:
        return program.result(), False
    except KeyboardInterrupt:
        leave_line()
        try:
            program.interrupt()
        except CodeInterpreterError:
            note("Ctrl-C does not end this program; the end of its session does")
            raise KeyboardInterrupt from None
    try:
        return program.result(), True
    except NotStarted as error:
        note(error.message)
        raise KeyboardInterrupt from error


def error_of(result: Result) -> ProgramError | None:
    """Return how a program failed, or None."""
    if result.ok:
        return None
    error = error_from(result.response, result)
    assert isinstance(error, ProgramError)
    return error


def save_figures(result: Result, folder: Path | None) -> list[Path]:
    """Write the figures into a folder, and return the files."""
    if folder is None or not result.figures:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    return [
        figure.save(folder / f"figure-{number}{Path(figure.name).suffix}")
        for number, figure in enumerate(result.figures, start=1)
    ]


def fetch(session: Session, result: Result, output: str) -> bool:
    """Download the file that the program wrote, and return whether there was one."""
    path = f"code-interpreter/{output}"
    if path not in result.files:
        if result.ok:
            fail(f"the program did not write {output}")
        return False
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    session.download(path, output)
    return True


def below_folder(output: str) -> str:
    """Return the path of a file that has the same name in the sandbox and here.

    :raises UsageError: if it leads out of the folder
    """
    path = PurePosixPath(output)
    if path.is_absolute() or ".." in path.parts:
        raise UsageError(
            f"--output {output} has the same name in the sandbox and here, so that it must be "
            "below the current folder: name it without / at its beginning, and without .."
        )
    return str(path)


def program_of(file: Path) -> str:
    """Return the program in a file, or in standard input.

    :raises UsageError: if it is no text in UTF-8
    """
    if str(file) == "-" and sys.stdin is None:
        raise UsageError("standard input is closed, and - reads the program from it")
    content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        return content.decode("utf-8-sig")  # editors may begin it with a byte order mark
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{file} is no text in UTF-8: {error.reason} at byte {error.start}; save it in UTF-8"
        ) from error


def language_of(file: Path) -> Language:
    """Return the language of a program by the suffix of its file.

    :raises UsageError: if it is no language's suffix
    """
    if str(file) == "-":
        return "python"
    try:
        return LANGUAGES[file.suffix]
    except KeyError:
        raise UsageError(
            f"{file} has no suffix of a language ({', '.join(LANGUAGES)}): name it with --language"
        ) from None
