"""The function's side of `program.py`: its command line, and its result."""

from __future__ import annotations

import json
import secrets
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import ProgramError
from .results import Result

# Sent as text and never imported: the modules it imports would slow down every cold start.
SOURCE = Path(__file__).with_name("program.py").read_text(encoding="utf-8")

# A command line longer than about 128 KB has been seen to hang, and `SOURCE` is a part of it.
MAX_PATHS_BYTES = 60_000


def new_marker() -> str:
    """Return a text that precedes the program's result, and that no other program can print."""
    return f"code-interpreter-invoke:{secrets.token_hex(8)}:"


def command_line(marker: str, action: str, **arguments: Any) -> str:
    """Return the command line that runs an action of `program.py`.

    Python runs isolated (`-I`), because the user's files may have the names of its modules.
    """
    request = {"result_marker": marker, "action": action, **arguments}
    return shlex.join(["python3", "-I", "-c", SOURCE, json.dumps(request)])


def parse_result(marker: str, result: Result) -> Any:
    """Return the value that the program printed.

    :raises ProgramError: if it printed none, or the service has cut it off
    """
    for line in result.stdout.splitlines():
        _, is_result, value = line.partition(marker)
        if is_result:
            with suppress(ValueError):
                return json.loads(value)
    from .failures import failure_line  # the program seldom fails

    line = failure_line(result.stderr)
    detail = f": {line}" if line else ""
    raise ProgramError(f"the transfer program failed in the sandbox{detail}")


def group_paths(paths: list[str]) -> list[list[str]]:
    """Split paths into groups that each fit into a command line."""
    groups: list[list[str]] = []
    length = MAX_PATHS_BYTES
    for path in paths:
        needed = len(shlex.quote(json.dumps(path))) + len(", ")
        if length + needed > MAX_PATHS_BYTES:
            groups.append([])
            length = 0
        groups[-1].append(path)
        length += needed
    return groups
