"""Commands for sessions: `sessions` and `stop`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .files import table
from .output import show_json, write
from .programs import Json
from .target import Target, takes_target


@takes_target
def sessions(
    target: Target,
    every: Annotated[bool, typer.Option("--all", help="List those that have ended, too.")] = False,
    as_json: Json = False,
) -> int:
    """List the sandboxes. They have the session's name, a status, the start, and an id."""
    interpreter = target.interpreter()
    status = None if every else "READY"
    rows: list[tuple[str, ...]] = []
    token: str | None = None
    while True:
        page = interpreter.request("list_sessions", status=status, next_token=token)
        if as_json:
            show_json(page)
        rows += [
            (row["session"] or "-", row["session_status"], row["created_at"], row["session_id"])
            for row in page["sessions"]
        ]
        token = page.get("next_token")
        if token is None:
            break
    if not as_json:
        write(sys.stdout, table(rows))
    return 0


@takes_target
def stop(target: Target, as_json: Json = False) -> int:
    """Stop the session's sandbox. Its variables and files are lost; the workspace is kept."""
    session = target.named_session()
    response = session.request("stop_session")
    if as_json:
        show_json(response)
    else:
        state = "stopped" if response["stopped"] else "had no sandbox"
        write(sys.stdout, f"{session.name} {state}")
    return 0


def register(app: typer.Typer) -> None:
    app.command()(sessions)
    app.command()(stop)
