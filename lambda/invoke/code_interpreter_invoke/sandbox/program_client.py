"""The function's side of `program.py`: its command line, and its result."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import ProgramError
from .results import Result

# Sent as text and never imported: the modules it imports would slow down every cold start.
SOURCE = Path(__file__).with_name("program.py").read_text(encoding="utf-8")
RESULT_MARKER = "code-interpreter-invoke:"

# A command line longer than about 128 KB has been seen to hang, and `SOURCE` is a part of it.
MAX_PATHS_BYTES = 60_000


def command_line(action: str, **arguments: Any) -> str:
    """Return the command line that runs an action of `program.py`.

    Python runs isolated (`-I`), because the user's files may have the names of its modules.
    """
    request = {"result_marker": RESULT_MARKER, "action": action, **arguments}
    return shlex.join(["python3", "-I", "-c", SOURCE, json.dumps(request)])


def parse_result(result: Result) -> Any:
    """Return the value that the program printed.

    :raises ProgramError: if it printed none, or the service has cut it off
    """
    for line in result.stdout.splitlines():
        _, marker, value = line.partition(RESULT_MARKER)
        if marker:
            with suppress(ValueError):
                return json.loads(value)
    lines = result.stderr.strip().splitlines()
    detail = f": {lines[-1][:200]}" if lines else ""
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
