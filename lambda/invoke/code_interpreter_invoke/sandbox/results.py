"""Results of operations: the API's shapes, and one result from the events of a stream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypedDict

from .observer import Observer, Report


class ResourceContent(TypedDict, total=False):
    """The API's ResourceContent: a file, as `text` or as `blob`."""

    type: str
    uri: str
    mimeType: str
    text: str
    blob: bytes


class ContentBlock(TypedDict, total=False):
    """The API's ContentBlock; `type` says which of the members a block has."""

    type: str
    text: str
    data: bytes
    mimeType: str
    uri: str
    name: str
    description: str
    size: int
    resource: ResourceContent


class StructuredContent(TypedDict, total=False):
    """The API's ToolResultStructuredContent; `executionTime` is in seconds."""

    taskId: str
    taskStatus: str
    stdout: str
    stderr: str
    exitCode: int
    executionTime: float


class Result(NamedTuple):
    """The result of one operation. `execution_time` is in seconds.

    The last three members are the observer's: its report of the program, whether the program was
    interrupted because its time was up, and whether the kernel's variables are gone.
    """

    stdout: str
    stderr: str
    exit_code: int | None
    execution_time: float | None
    is_error: bool
    content: list[ContentBlock]
    structured: StructuredContent
    report: Report | None = None
    was_interrupted: bool = False
    variables_lost: bool = False

    @property
    def failed(self) -> bool:
        """Either sign is enough: the service has been seen to give each without the other."""
        return self.is_error or self.exit_code not in (None, 0)

    @property
    def text(self) -> str:
        return "\n".join(block["text"] for block in self.content if block.get("type") == "text")


def fold(events: Iterable[Mapping[str, Any]]) -> Result:
    """Merge the stream's `result` events into one result.

    Content is concatenated, a later value replaces an earlier one, and one error makes the result
    an error.
    """
    content: list[ContentBlock] = []
    structured: StructuredContent = {}
    is_error = False
    for event in events:
        content += event.get("content") or []
        is_error = is_error or bool(event.get("isError"))
        earlier = structured
        later: StructuredContent = event.get("structuredContent") or StructuredContent()
        structured = {**earlier, **later}
        if "stdout" in later:
            structured["stdout"] = extend_output(earlier.get("stdout", ""), later["stdout"])
        if "stderr" in later:
            structured["stderr"] = extend_output(earlier.get("stderr", ""), later["stderr"])
    text = "\n".join(block.get("text", "") for block in content if block.get("type") == "text")
    return Result(
        # An operation that refuses its arguments has a text block and no structured content.
        stdout=structured.get("stdout", "" if is_error else text),
        stderr=structured.get("stderr", text if is_error else ""),
        exit_code=structured.get("exitCode"),
        execution_time=structured.get("executionTime"),
        is_error=is_error,
        content=content,
        structured=structured,
    )


def without_report(result: Result, observer: Observer) -> Result:
    """Return the result without the observer's lines in its output, and with the report."""
    stdout, report = observer.split(result.stdout)
    structured = result.structured
    if "stdout" in structured:
        structured = {**structured, "stdout": stdout}
    content = [without_report_text(block, observer) for block in result.content]
    return result._replace(
        stdout=stdout,
        content=[block for block in content if block],
        structured=structured,
        report=report,
    )


def without_report_text(block: ContentBlock, observer: Observer) -> ContentBlock:
    """Return a content block without the observer's lines; an empty one if it has nothing else."""
    if "text" not in block:
        return block
    text, _ = observer.split(block["text"])
    return {**block, "text": text} if text or not block["text"] else {}


def extend_output(earlier: str, later: str) -> str:
    """Return the output after a further event.

    Every published capture has a single event. It is therefore unknown whether a further event
    has the whole output or the next piece of it: output that begins with the earlier output
    replaces it, other output is appended.
    """
    return later if later.startswith(earlier) else earlier + later
