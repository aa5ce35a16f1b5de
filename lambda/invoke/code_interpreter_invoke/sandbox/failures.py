"""Finds the line of an output that names the failure."""

from __future__ import annotations

import re

from .terminal import strip_control_sequences

MAX_LINE_LENGTH = 500

# IPython's tracebacks begin with the exception's name, and Python's with this text alone.
IPYTHON_HEADER = re.compile(r"^([A-Za-z_][\w.]*) +Traceback \(most recent call last\)$")
PYTHON_HEADER = "Traceback (most recent call last):"
GROUP_HEADER = "+ Exception Group Traceback (most recent call last):"
# Deno writes this in front of anything that a program throws.
DENO_HEADER = re.compile(r"^error: Uncaught (?:\(in promise\) )?(.+)$")
# Node's "TypeError: ...", and Deno's errors of syntax and types.
JAVASCRIPT_ERROR = re.compile(
    r"^(?:error: )?((?:[A-Za-z_$][\w$]*)?(?:Error|Exception)(?: \[\w+\])?(?:: .*)?|TS\d+ .*)$"
)


def failure_line(output: str) -> str:
    """Return the line that names the failure: the exception's, or else the last one.

    The exception of a Python traceback can have further lines and notes below its name, and a
    JavaScript error has its stack there.
    """
    lines = [line.rstrip() for line in strip_control_sequences(output).strip().splitlines()]
    if not lines:
        return ""
    found = python_exception(lines) or javascript_error(lines) or lines[-1].strip()
    return found[:MAX_LINE_LENGTH]


def python_exception(lines: list[str]) -> str:
    """Return the line that names the exception of the last traceback, or an empty text."""
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index].strip()
        header = IPYTHON_HEADER.match(line)
        if header:
            return named_line(lines[index + 1 :], header[1])
        if line == GROUP_HEADER:
            return first_unindented(
                [rest.strip().removeprefix("| ") for rest in lines[index + 1 :]]
            )
        if line == PYTHON_HEADER:
            indent = len(lines[index]) - len(lines[index].lstrip())
            return first_unindented([rest[indent:] for rest in lines[index + 1 :]])
    return ""


def named_line(lines: list[str], name: str) -> str:
    """Return the line that begins with an exception's name, or the name alone.

    IPython puts a colon behind the name of an exception without a message, too.
    """
    line = next((line for line in lines if line.split(":")[0] == name), name)
    return name if line == f"{name}:" else line


def first_unindented(lines: list[str]) -> str:
    """Return the first line behind a traceback's frames, which are indented."""
    return next((line for line in lines if line and not line[0].isspace()), "")


def javascript_error(lines: list[str]) -> str:
    """Return the message of the first JavaScript error, or an empty text."""
    errors = (DENO_HEADER.match(line) or JAVASCRIPT_ERROR.match(line) for line in lines)
    return next((error[1] for error in errors if error), "")
