"""Text for the terminal: results to standard output, everything about them to standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from ..results import Result


def show(result: Result) -> None:
    """Print the output of a program; values that it displayed are in it as text."""
    write(sys.stdout, result.stdout)
    write(sys.stderr, result.stderr)


class Live:
    """Prints the output of a program as it comes."""

    def __init__(self) -> None:
        # The stream whose last line has no end yet.
        self._begun: TextIO | None = None

    def __call__(self, stream: str, text: str) -> None:
        """Print a part of it."""
        file = sys.stderr if stream in ("stderr", "traceback") else sys.stdout
        if file is not self._begun:
            self.end()
        file.write(printable(file, text))
        file.flush()
        self._begun = None if text.endswith("\n") else file

    def end(self) -> None:
        """End the last line."""
        if self._begun is not None:
            write(self._begun, "\n")
        self._begun = None


def live() -> Live | None:
    """Return what prints output as it comes, if somebody can see it."""
    return Live() if sys.stdout is not None and sys.stdout.isatty() else None


def tell(result: Result) -> None:
    """Say what else the response knows."""
    if result.session_restarted:
        note("the sandbox had ended, and a new one has taken its place: variables are lost")
    elif result.variables_lost:
        note("Python was started anew: variables are lost")
    for warning in result.warnings:
        warn(warning)


def show_json(response: Mapping[str, Any]) -> None:
    """Print a response of the function as it is, in one line."""
    write(sys.stdout, json.dumps(response))


class OutputClosed(Exception):
    """Nobody reads the output any more: the reader of a pipe has ended."""


def write(stream: TextIO | None, text: str) -> None:
    """Print text as it is, and end its last line.

    :param stream: None if the process was started without it.
    :raises OutputClosed: if nobody reads it any more
    """
    if not text or stream is None:
        return
    end = "" if text.endswith("\n") else "\n"
    try:
        stream.write(printable(stream, text) + end)
        stream.flush()
    except BrokenPipeError as error:
        # Python would report it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise OutputClosed from error


def printable(stream: TextIO, text: str) -> str:
    """Return text without characters that a stream does not have."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def fail(message: str) -> None:
    """Say what went wrong."""
    write(sys.stderr, f"{coloured('error:', 31)} {message}")


def warn(message: str) -> None:
    """Say what did not work for a part."""
    write(sys.stderr, f"{coloured('warning:', 33)} {message}")


def note(message: str) -> None:
    """Say what may be useful to know."""
    write(sys.stderr, f"{coloured('note:', 36)} {message}")


def leave_line() -> None:
    """Begin a new line after the ^C that a terminal has shown."""
    if sys.stderr is not None and sys.stderr.isatty():
        write(sys.stderr, "\n")


def coloured(text: str, colour: int) -> str:
    return f"\033[1;{colour}m{text}\033[0m" if has_colours(sys.stderr) else text


def has_colours(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal that shows colours, and its user wants them."""
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream is not None and stream.isatty() and not is_plain


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
