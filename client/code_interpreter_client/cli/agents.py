"""Commands for agents: `mcp` and `skill`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .failures import UsageError
from .output import write
from .target import Target, takes_target


@takes_target
def mcp(target: Target) -> int:
    """Offer the tools to an agent over the Model Context Protocol.

    The agent's settings name this command. Without --session the server has a new session, which is stopped in the end.
    """
    try:
        from ..mcp_server import serve
    except ModuleNotFoundError as error:
        raise UsageError(
            "the MCP server needs the extra mcp: pip install 'path/to/checkout/client[mcp]'"
        ) from error
    serve(target.interpreter(), target.session)
    return 0


@takes_target
def skill(
    target: Target,
    folder: Annotated[
        Path | None,
        typer.Argument(help="The agent's folder of skills. Default: print the skill."),
    ] = None,
) -> int:
    """Write a skill for agents. It describes the tools of the deployed function."""
    from ..skill import NAME, skill_text

    text = skill_text(target.interpreter().describe_tools())
    if folder is None:
        write(sys.stdout, text)
        return 0
    path = folder / NAME / "SKILL.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    write(sys.stdout, str(path))
    return 0


def register(app: typer.Typer) -> None:
    app.command()(mcp)
    app.command()(skill)
