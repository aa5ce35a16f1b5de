"""The line of a shell command, with its working folder and environment variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from ..errors import InvalidRequestError, quote

# The service has been seen to hang, without an error, on lines from about 128 KB.
MAX_LINE_BYTES = 120_000
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Bash sets these itself, and refuses to export another value.
READ_ONLY = ("BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID")


def check_environment(where: str, env: Mapping[str, str]) -> None:
    """Check the names of environment variables.

    :raises InvalidRequestError: naming the tool `where` they were given.
    """
    for name, value in env.items():
        if not VARIABLE_NAME.fullmatch(name):
            raise InvalidRequestError(
                f"{where}: env has the name {quote(name)}; a name has letters, digits and _, and "
                "begins with no digit"
            )
        if name in READ_ONLY:
            raise InvalidRequestError(
                f"{where}: env cannot set {name}, which bash keeps read-only; choose another name "
                f"than {', '.join(READ_ONLY)}"
            )
        if "\0" in value:
            raise InvalidRequestError(f"{where}: the value of env {name} contains a NUL character")


def with_environment(command: str, cwd: str | None, env: Mapping[str, str]) -> str:
    """Return a command that runs in a folder and with environment variables."""
    if cwd and not cwd.startswith("/"):
        # Bash takes `-` for the previous folder, and looks for other names in CDPATH.
        cwd = f"./{cwd}"
    folder = f"cd -- {shlex.quote(cwd)} || exit; " if cwd else ""
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in env.items())
    return f"{folder}export {variables}; {command}" if variables else f"{folder}{command}"


def check_command_line(
    line: str, remedy: str = "write the script to a file and run the file"
) -> None:
    """Refuse a line on which the service would hang."""
    size = len(line.encode())
    if size > MAX_LINE_BYTES:
        raise InvalidRequestError(
            f"the command line has {size} bytes and may have at most {MAX_LINE_BYTES}; {remedy}"
        )
