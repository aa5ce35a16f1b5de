"""Results in the shape of the API's CodeInterpreterResult, and the error that becomes a result."""

from __future__ import annotations

import re
from typing import Any

COLOURS = re.compile(r"\x1b\[[0-9;]*m")

Result = dict[str, Any]


class ToolError(Exception):
    """An operation cannot do what the request asks for; the message says why."""


def text_block(text: str) -> Result:
    return {"type": "text", "text": text}


def image_block(data: bytes, media_type: str) -> Result:
    return {"type": "image", "data": data, "mimeType": media_type}


def message(text: str) -> Result:
    """Return the result of an operation that succeeded, as a sentence."""
    return {"content": [text_block(text)], "isError": False}


def failure(text: str) -> Result:
    """Return the result of an operation that failed: text only, in published outputs."""
    return {"content": [text_block(text)], "isError": True}


def execution(
    *,
    stdout: str,
    stderr: str,
    exit_code: int,
    seconds: float,
    blocks: list[Result] | None = None,
) -> Result:
    """Return the result of a program. The content has a block for each stream that is not empty."""
    texts = [text_block(text) for text in (stdout, stderr) if text] or [text_block("")]
    return {
        "content": [*texts, *(blocks or [])],
        "structuredContent": {
            "stdout": stdout,
            "stderr": stderr,
            "exitCode": exit_code,
            "executionTime": seconds,
        },
        "isError": exit_code != 0,
    }


def with_note(output: str, note: str) -> str:
    """Return the output with a note below it, on a line of its own."""
    if note and output and not output.endswith("\n"):
        output += "\n"
    return output + note


def stripped(stdout: str, end: str) -> str:
    """Return the output of code without the white space before it, and without its end.

    `end` is the setting `stripped_end`.
    """
    stdout = stdout.lstrip()
    if end == "newline":
        return stdout.removesuffix("\n")
    return stdout.rstrip()


def without_colours(text: str) -> str:
    return COLOURS.sub("", text)


def valid_text(text: str) -> str:
    """Replace unpaired surrogates, which Python allows in a string and UTF-8 does not, with `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")
