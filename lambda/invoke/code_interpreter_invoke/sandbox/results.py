"""Folds the events of an InvokeCodeInterpreter stream into one result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Result(NamedTuple):
    """One outcome. `content` holds the content blocks as the API gives them, blobs as bytes."""

    stdout: str
    stderr: str
    exit_code: int | None
    execution_time: float | None
    is_error: bool
    content: list[dict[str, Any]]
    structured: dict[str, Any]

    @property
    def failed(self) -> bool:
        """Either sign of failure counts: each has been seen without the other."""
        return self.is_error or self.exit_code not in (None, 0)

    @property
    def text(self) -> str:
        """All text blocks."""
        return "\n".join(block["text"] for block in self.content if block.get("type") == "text")


def fold(events: Iterable[Mapping[str, Any]]) -> Result:
    """Merge result events: content is concatenated, later values win, one error is an error.

    Every published capture has a single event, so whether several would carry the whole output or
    the next piece of it is not known: output that starts with what came before replaces it, other
    output is appended.
    """
    content: list[dict[str, Any]] = []
    structured: dict[str, Any] = {}
    is_error = False
    for event in events:
        content += event.get("content") or []
        is_error = is_error or bool(event.get("isError"))
        for name, value in (event.get("structuredContent") or {}).items():
            before = structured.get(name, "")
            if name in ("stdout", "stderr") and not value.startswith(before):
                value = before + value
            structured[name] = value
    text = "\n".join(block.get("text", "") for block in content if block.get("type") == "text")
    return Result(
        # A tool that refuses its arguments answers with text alone.
        stdout=structured.get("stdout", "" if is_error else text),
        stderr=structured.get("stderr", text if is_error else ""),
        exit_code=structured.get("exitCode"),
        execution_time=structured.get("executionTime"),
        is_error=is_error,
        content=content,
        structured=structured,
    )


def unix_lines(text: str) -> str:
    """Commands run on a terminal, which turns every line end into CR LF."""
    return text.replace("\r\n", "\n")
