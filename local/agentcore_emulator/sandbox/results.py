"""Results as the API's CodeInterpreterResult has them, and the failure that becomes one."""

from __future__ import annotations

from typing import Any

Result = dict[str, Any]


class ToolError(Exception):
    """What a caller asked of a tool cannot be done; the message says why."""


def text_block(text: str) -> Result:
    return {"type": "text", "text": text}


def image_block(data: bytes, media_type: str) -> Result:
    return {"type": "image", "data": data, "mimeType": media_type}


def message(text: str) -> Result:
    """A tool's answer that is one sentence."""
    return {"content": [text_block(text)], "isError": False}


def failure(text: str) -> Result:
    """A tool that could not do what it was asked: text only, in published outputs."""
    return {"content": [text_block(text)], "isError": True}


def execution(
    *,
    stdout: str,
    stderr: str,
    exit_code: int,
    seconds: float,
    blocks: list[Result] | None = None,
) -> Result:
    """What a program did. Both streams are in the content if both have something to say."""
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
    """What a program wrote, and on a line of its own what there is to say about it."""
    if note and output and not output.endswith("\n"):
        output += "\n"
    return output + note


def valid_text(text: str) -> str:
    """Text that can be sent: a lone surrogate, which Python allows in a string, becomes `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")
