"""Responses of the function as MCP's content: text, images and links that a model can use."""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from mcp_types import ContentBlock, ImageContent, ResourceLink, TextContent

from .errors import CodeInterpreterError
from .results import Result, RichResult

SCHEME: Final = "workspace:///"
# The images that models can look at.
IMAGES: Final = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
# Characters of a text, and bytes of an image. A response may have six megabytes, of which a model's
# context has no place for the most.
MAX_TEXT: Final = 40_000
MAX_IMAGE: Final = 3_500_000
# The types of a rich result that are text, the best for a model first. HTML is for people.
TEXT_TYPES: Final = ("text/plain", "text/markdown", "text/latex", "application/json", "text/html")
# Members that are shown in a way of their own, or that are of no use to a model.
SHOWN: Final = frozenset(
    {
        "content",
        "encoding",
        "error",
        "execution_time",
        "expires_at",
        "files",
        "files_saved",
        "images",
        "next_offset",
        "results",
        "session",
        "session_id",
        "status",
        "stderr",
        "stdout",
    }
)


def content_of(result: Result, offset: int = 0) -> list[ContentBlock]:
    """Return all that a response says. Large images and texts are fetched from the workspace.

    A part that cannot be fetched is named: the program has run, and need not run again for it.

    :param offset: The byte of the file that the request asked for, if it read a part of a file.
    """
    response = result.response
    blocks: list[ContentBlock] = [
        TextContent(type="text", text=text)
        for text in (
            failure(response),
            shortened(result.stdout),
            f"stderr:\n{shortened(result.stderr)}" if result.stderr else "",
            *(text for text in map(fetched_text, result.results) if text not in result.stdout),
        )
        if text
    ]
    for figure in result.figures:
        try:
            blocks += image(figure.mime_type, figure.data, figure.name)
        except CodeInterpreterError as error:
            blocks.append(text_block(not_fetched(figure.name, error)))
    for file in response.get("files", ()):
        blocks += file_content(file)
    if "content" in response and "path" in response:
        blocks += file_content(response, offset)
    members = {name: value for name, value in response.items() if name not in SHOWN and value}
    if members:
        blocks.append(text_block(json.dumps(members, ensure_ascii=False)))
    blocks += map(link, result.files)
    return blocks or [text_block("done; nothing was printed")]


def failure(response: Mapping[str, Any]) -> str:
    """Return an error's type and message."""
    error = response.get("error")
    return f"{error['type']}: {error['message']}" if error else ""


def fetched_text(result: RichResult) -> str:
    try:
        return text_of(result)
    except CodeInterpreterError as error:
        return not_fetched("a result", error)


def not_fetched(name: str, error: CodeInterpreterError) -> str:
    return f"[{name} is there, but did not come: {error.message}]"


def text_of(result: RichResult) -> str:
    """Return a rich result as text. The service prints most of them, too."""
    for kind in TEXT_TYPES:
        if kind in result:
            value = result[kind]
            return shortened(value if isinstance(value, str) else json.dumps(value))
    return ""


def file_content(file: Mapping[str, Any], offset: int = 0) -> Iterator[ContentBlock]:
    """Return a file that was listed, or that was read from a byte on."""
    if "content" not in file:
        yield text_block(json.dumps(file, ensure_ascii=False))
    elif file["encoding"] == "text":
        yield text_block(file_text(file, offset))
    elif offset == 0 and "next_offset" not in file and mime_type(file["path"]) in IMAGES:
        data = base64.b64decode(file["content"])
        yield from image(mime_type(file["path"]), data, file["path"])
    else:
        yield text_block(
            f"{file['path']} is binary ({file['size']} bytes): let a program read it, or save it "
            "with ci_push_to_workspace for the user"
        )


def file_text(file: Mapping[str, Any], offset: int) -> str:
    """Return the first part of a text, and where the next part begins."""
    text = file["content"]
    part = text[:MAX_TEXT]
    following = file.get("next_offset")
    if len(part) < len(text):
        following = offset + len(part.encode())
    note = "" if following is None else f"\n[the next part begins at the byte {following}]"
    return f"{part}{note}"


def image(kind: str, data: bytes, name: str) -> Iterator[ContentBlock]:
    if kind not in IMAGES:
        return
    if len(data) > MAX_IMAGE:
        yield text_block(f"{name} is too large to be shown ({len(data)} bytes)")
    else:
        yield ImageContent(type="image", data=base64.b64encode(data).decode(), mime_type=kind)


def shortened(text: str) -> str:
    """Return a text without its middle if it is too long."""
    if len(text) <= MAX_TEXT:
        return text
    half = MAX_TEXT // 2
    return (
        f"{text[:half]}\n[{len(text) - 2 * half} characters are left out; write long output to a "
        f"file, and read parts of it]\n{text[-half:]}"
    )


def text_block(text: str) -> TextContent:
    return TextContent(type="text", text=text)


def link(path: str) -> ResourceLink:
    """Return a link to a file of the workspace."""
    return ResourceLink(
        type="resource_link",
        name=path,
        uri=uri_of(path),
        mime_type=mime_type(path),
        description=f"{path} in the session's workspace",
    )


def uri_of(path: str) -> str:
    return SCHEME + quote(path)


def path_of(uri: str) -> str | None:
    """Return the path of a file in the workspace, or None if the URI has another scheme."""
    return unquote(uri.removeprefix(SCHEME)) if uri.startswith(SCHEME) else None


def mime_type(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"
