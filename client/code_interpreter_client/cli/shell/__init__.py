"""The command `shell`: a prompt for Python whose session keeps variables and files."""

from __future__ import annotations

import sys

import typer

from ..failures import UsageError
from ..output import note
from ..target import Target, takes_target


@takes_target
def open_shell(target: Target) -> int:
    """Open a prompt for Python. %help lists its commands."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "shell needs a terminal; code-interpreter run - reads a program from standard input"
        )
    from .shell import Shell  # here, because prompt_toolkit takes its time

    with target.any_session() as session:
        Shell(session).run()
    if target.session is not None:
        note(
            f"the session {target.session} is kept: code-interpreter --session {target.session} "
            "shell continues it, and the command stop ends it"
        )
    return 0


def register(app: typer.Typer) -> None:
    app.command("shell")(open_shell)
