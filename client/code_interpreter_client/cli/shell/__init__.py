"""The command `shell`."""

import typer


def register(app: typer.Typer) -> None:
    pass
