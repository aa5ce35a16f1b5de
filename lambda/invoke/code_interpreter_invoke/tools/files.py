"""The tool for the sandbox's files: `file_operations`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ..errors import CodeFailedError, InvalidRequestError, NotFoundError
from ..files.paths import clean, clean_folder
from ..files.workspace import as_content, decode_base64
from ..responses import Entry, FileContent, Response
from ..sandbox.sandbox import file_contents, list_entries
from .context import ToolContext

# A file to write: its path, and text or a blob in base64.
FileToWrite = Mapping[str, Any]


class WriteBlock(TypedDict):
    """A file, in the content of a writeFiles operation."""

    path: str
    blob: bytes


def file_operations(
    context: ToolContext,
    *,
    operation: str,
    paths: list[str] | None,
    content: list[FileToWrite] | None,
) -> Response:
    match operation:
        case "read":
            return read(context, required_paths(operation, paths))
        case "write":
            return write(context, required_files(content))
        case "list":
            return list_folders(context, paths or ["."])
        case _:
            return remove(context, required_paths(operation, paths))


def required_paths(operation: str, paths: list[str] | None) -> list[str]:
    if not paths:
        raise InvalidRequestError(f"file_operations: {operation} needs paths")
    return [clean(path, "path") for path in paths]


def required_files(content: list[FileToWrite] | None) -> list[WriteBlock]:
    if not content:
        raise InvalidRequestError("file_operations: write needs content: [{path, text or blob}]")
    return write_blocks("file_operations", content)


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
        raise NotFoundError(result.text or f"{len(paths) - len(bodies)} of the files do not exist")
    files: list[FileContent] = []
    for path, body in zip(paths, bodies, strict=True):
        encoding, content = as_content(body)
        files.append({"path": path, "encoding": encoding, "content": content, "size": len(body)})
    return {"status": "ok", "files": files}


def write(context: ToolContext, blocks: list[WriteBlock]) -> Response:
    result = context.run_once("writeFiles", {"content": blocks})
    if result.failed:
        raise CodeFailedError(result.text or "the files could not be written")
    return {"status": "ok", "files_written": [block["path"] for block in blocks]}


def remove(context: ToolContext, paths: list[str]) -> Response:
    result = context.run_once("removeFiles", {"paths": paths})
    if result.failed:
        raise NotFoundError(result.text or "the files could not be removed")
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
