"""The tool for the sandbox's files: `file_operations`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from ..clients.code_interpreter import READS
from ..errors import CodeFailedError, InvalidRequestError, NotFoundError, RequestError, quote
from ..files.paths import clean, clean_folder
from ..files.workspace import as_content, decode_base64
from ..requests.tools import TOOLS
from ..requests.validation import validate
from ..sandbox.sandbox import MAX_OPERATION_BYTES, file_contents, list_entries
from .context import ToolContext

if TYPE_CHECKING:
    from ..responses import Entry, FileContent, Response

# A file to write: its path, and text or a blob in base64.
FileToWrite = Mapping[str, Any]

CONTENT_SCHEMA = TOOLS["file_operations"].input_schema["properties"]["content"]
WRITE_SHAPES = (
    'file_operations: write needs {"path": "a.txt", "text": "..."} for one file, or {"content": '
    '[{"path": "a.txt", "text": "..."}, {"path": "b.png", "blob": "<base64>"}]}'
)


class WriteBlock(TypedDict):
    """A file, in the content of a writeFiles operation."""

    path: str
    blob: bytes


def file_operations(
    context: ToolContext,
    *,
    operation: str,
    path: str | None,
    paths: list[str] | None,
    text: str | None,
    content: list[FileToWrite] | str | None,
) -> Response:
    if path is not None:
        if paths is not None:
            raise InvalidRequestError("file_operations: give either path or paths, not both")
        paths = [path]
    match operation:
        case "read":
            return read(context, required_paths(operation, paths))
        case "write":
            return write(context, write_blocks("file_operations", to_write(paths, text, content)))
        case "list":
            return list_folders(context, paths or ["."])
        case _:
            return remove(context, required_paths(operation, paths))


def required_paths(operation: str, paths: list[str] | None) -> list[str]:
    if not paths:
        raise InvalidRequestError(f"file_operations: {operation} needs paths")
    return [clean(path, "path") for path in paths]


def to_write(
    paths: list[str] | None, text: str | None, content: list[FileToWrite] | str | None
) -> list[FileToWrite]:
    """Return the files to write: the one at a path, or those that `content` has.

    A string as `content` is the text of the file at the path. Without a path it is the JSON text of
    an array, which is what Bedrock Agents send.
    """
    match paths, text, content:
        case [path], str(body), None:
            return [{"path": path, "text": body, "blob": None}]
        case [path], None, str(body):
            return [{"path": path, "text": body, "blob": None}]
        case None, None, str(array):
            return parse_files(array)
        case None, None, [*files] if files:
            return files
    raise InvalidRequestError(WRITE_SHAPES)


def parse_files(text: str) -> list[FileToWrite]:
    try:
        files = json.loads(text)
    except (ValueError, RecursionError):
        files = None
    if not isinstance(files, list) or not files:
        raise InvalidRequestError(f"{WRITE_SHAPES}; given content {quote(text)} without path")
    validated: list[FileToWrite] = validate(CONTENT_SCHEMA, files, "file_operations: content")
    return validated


def write_blocks(where: str, files: Sequence[FileToWrite]) -> list[WriteBlock]:
    """Return the content of a writeFiles operation.

    All files are sent as bytes, so that nothing on the way can take them for text and change them.
    """
    blocks: list[WriteBlock] = []
    for index, file in enumerate(files):
        if (file["text"] is None) == (file["blob"] is None):
            raise InvalidRequestError(f"{where}: content[{index}] needs either text or blob")
        if file["text"] is None:
            body = decode_base64(f"{where}: content[{index}].blob", file["blob"])
        else:
            body = file["text"].encode()
        blocks.append({"path": clean(file["path"], "path"), "blob": body})
    return blocks


def read(context: ToolContext, paths: list[str]) -> Response:
    result = context.run_once("readFiles", {"paths": paths})
    bodies = file_contents(result)
    if result.failed or len(bodies) != len(paths):
        refuse_large_files(context, paths)
        raise NotFoundError(result.text or f"{len(paths) - len(bodies)} of the files do not exist")
    files: list[FileContent] = []
    for path, body in zip(paths, bodies, strict=True):
        encoding, content = as_content(body)
        files.append({"path": path, "encoding": encoding, "content": content, "size": len(body)})
    return {"status": "ok", "files": files}


def refuse_large_files(context: ToolContext, paths: list[str]) -> None:
    """Refuse a read that failed because the files are too large for one operation.

    The service's text says why it failed, in words that are not documented; the sizes say it, too.
    """
    try:
        files = context.session.sandbox().inventory(paths)
    except RequestError:
        return
    size = sum(file.size for file in files)
    if size > MAX_OPERATION_BYTES:
        raise InvalidRequestError(
            f"file_operations: the files have {size} bytes, more than a read returns; "
            f"{READS['readFiles']}"
        )


def write(context: ToolContext, blocks: list[WriteBlock]) -> Response:
    result = context.run_once("writeFiles", {"content": blocks})
    if result.failed:
        raise CodeFailedError(result.text or "the files could not be written")
    return {"status": "ok", "files_written": [block["path"] for block in blocks]}


def remove(context: ToolContext, paths: list[str]) -> Response:
    result = context.run_once("removeFiles", {"paths": paths})
    if result.failed:
        raise NotFoundError(result.text or "the files could not be removed")
    context.named_session.forget_uploads(paths)
    return {"status": "ok", "files_removed": paths}


def list_folders(context: ToolContext, paths: list[str]) -> Response:
    folders = ["." if path in ("", ".", "./") else clean_folder(path) for path in paths]
    entries: list[Entry] = []
    for folder in folders:
        result = context.run_once("listFiles", {"directoryPath": folder})
        if result.failed:
            raise NotFoundError(result.text or f"there is no folder {folder}")
        parent = "" if folder == "." else f"{folder}/"
        entries += [{**entry, "name": f"{parent}{entry['name']}"} for entry in list_entries(result)]
    return {"status": "ok", "entries": entries, "count": len(entries)}
