"""The commands of the shell: `%upload`, `%files` and so on."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from ..failures import UsageError
from ..files import Bar, sandbox_table, workspace_table
from ..output import note, warn, write
from ..programs import Language, language_of, program_of

if TYPE_CHECKING:
    from ...session import Session

HELP: Final = """\
%upload FILE [NAME]      put a file into the workspace and the sandbox
%download PATH [FILE]    write a file of the workspace to this machine
%files [FOLDER]          list the files of the workspace
%ls [FOLDER]             list the files of the sandbox
%save NAME [FILE]        save a file of the sandbox in the workspace, and on this machine
%run FILE                run a program of this machine
%restart                 stop the sandbox; variables and its files are lost
!COMMAND                 run a shell command in the sandbox
Tab completes names, Ctrl-C ends the program, Ctrl-D leaves. Other magics are those of IPython."""


class HasSession(Protocol):
    """A prompt or a notebook, whose commands these are."""

    @property
    def session(self) -> Session:
        """The session."""

    def run_program(self, code: str, language: Language = "python") -> None:
        """Run a program, and show its output and its result."""


def upload(shell: HasSession, file: str, name: str | None = None) -> None:
    source = Path(file).expanduser()
    with Bar("uploading") as bar:
        path = shell.session.upload(source, name, progress=bar.of(file))
    note(f"uploaded {path}; the next program finds {name or source.name}")


def download(shell: HasSession, path: str, file: str | None = None) -> None:
    with Bar("downloading") as bar:
        written = shell.session.download(path, file, progress=bar.of(path))
    note(f"wrote {written}")


def files(shell: HasSession, folder: str = "") -> None:
    write(sys.stdout, workspace_table(shell.session, folder))


def ls(shell: HasSession, folder: str = "") -> None:
    write(sys.stdout, sandbox_table(shell.session, folder))


def save(shell: HasSession, name: str, file: str | None = None) -> None:
    saved = shell.session.push(name)
    for warning in saved.warnings:
        warn(warning)
    for path in saved.files:
        download(shell, path, file)


def run(shell: HasSession, file: str) -> None:
    path = Path(file).expanduser()
    shell.run_program(program_of(path), language_of(path))


def restart(shell: HasSession) -> None:
    shell.session.stop()
    note("the sandbox is stopped; the next program starts a new one")


def show_help(_: HasSession) -> None:
    write(sys.stdout, HELP)


MAGICS: Final[Mapping[str, Callable[..., None]]] = {
    "download": download,
    "files": files,
    "help": show_help,
    "ls": ls,
    "restart": restart,
    "run": run,
    "save": save,
    "upload": upload,
}


def execute(shell: HasSession, line: str) -> bool:
    """Run a command of the shell, and return whether the line is one.

    :raises UsageError: if its arguments are wrong
    """
    name, *_ = line.split(maxsplit=1)
    magic = MAGICS.get(name.removeprefix("%")) if name.startswith("%") else None
    if magic is None:
        return False
    try:
        arguments = shlex.split(line)[1:]
        signature(magic).bind(shell, *arguments)
    except (TypeError, ValueError):  # of `bind`, and of `shlex` for a quote without its end
        [usage] = [text for text in HELP.splitlines() if text.split()[0] == name]
        raise UsageError(f"usage: {' '.join(usage.split())}") from None
    magic(shell, *arguments)
    return True
