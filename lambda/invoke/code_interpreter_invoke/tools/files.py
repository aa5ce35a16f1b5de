"""The tools for files: those of the sandbox, those of the workspace, and the way between."""

from __future__ import annotations

from typing import Any

from ..errors import CodeFailedError, InvalidRequestError, NotFoundError
from ..files.paths import clean
from ..files.saving import save
from ..files.workspace import MIN_READ_BYTES, as_content, decode_base64
from ..fitting import largest_that_fits
from ..sandbox.sandbox import entries, file_contents
from .context import Call


def file_operations(
    call: Call,
    *,
    operation: str,
    paths: list[str] | None,
    content: list[dict[str, Any]] | None,
) -> dict[str, Any]:
    match operation:
        case "read":
            return read(call, wanted_paths(operation, paths))
        case "write":
            return write(call, wanted_content(content))
        case "list":
            return list_folders(call, wanted_folders(paths))
        case _:
            return remove(call, wanted_paths(operation, paths))


def wanted_paths(operation: str, paths: list[str] | None) -> list[str]:
    if not paths:
        raise InvalidRequestError(f"file_operations: {operation} needs paths")
    return [clean(path, "path") for path in paths]


def wanted_folders(paths: list[str] | None) -> list[str]:
    folders = paths or ["."]
    return ["." if path in ("", ".", "./") else clean_folder(path) for path in folders]


def clean_folder(path: str) -> str:
    """A file or a folder, which may be written with a slash at its end."""
    return clean(path.removesuffix("/"), "path")


def wanted_content(content: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    if not content:
        raise InvalidRequestError("file_operations: write needs content: [{path, text or blob}]")
    return file_blocks("file_operations", content)


def file_blocks(where: str, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The content of a writeFiles call.

    All as bytes, so that nothing on the way can take them for text and change them.
    """
    blocks = []
    for index, file in enumerate(files):
        if (file["text"] is None) == (file["blob"] is None):
            raise InvalidRequestError(f"{where}: content[{index}] needs either text or blob")
        blob = decode_base64(f"{where}: content[{index}].blob", file["blob"] or "")
        body = blob if file["text"] is None else file["text"].encode()
        blocks.append({"path": clean(file["path"], "path"), "blob": body})
    return blocks


def read(call: Call, paths: list[str]) -> dict[str, Any]:
    result = call.run("readFiles", {"paths": paths})
    bodies = file_contents(result)
    if result.failed or len(bodies) != len(paths):
        raise NotFoundError(result.text or f"{len(paths) - len(bodies)} of the files do not exist")
    files = []
    for path, body in zip(paths, bodies, strict=True):
        encoding, content = as_content(body)
        files.append({"path": path, "encoding": encoding, "content": content, "size": len(body)})
    return {"status": "ok", "files": files}


def write(call: Call, content: list[dict[str, Any]]) -> dict[str, Any]:
    result = call.run("writeFiles", {"content": content})
    if result.failed:
        raise CodeFailedError(result.text or "the files could not be written")
    return {"status": "ok", "files_written": [block["path"] for block in content]}


def remove(call: Call, paths: list[str]) -> dict[str, Any]:
    result = call.run("removeFiles", {"paths": paths})
    if result.failed:
        raise NotFoundError(result.text or "the files could not be removed")
    return {"status": "ok", "files_removed": paths}


def list_folders(call: Call, folders: list[str]) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for folder in folders:
        result = call.run("listFiles", {"directoryPath": folder})
        if result.failed:
            raise NotFoundError(result.text or f"there is no folder {folder}")
        inside = "" if folder == "." else f"{folder}/"
        found += [{**entry, "name": f"{inside}{entry['name']}"} for entry in entries(result)]
    return {"status": "ok", "entries": found, "count": len(found)}


def push(call: Call, *, paths: list[str] | None) -> dict[str, Any]:
    """Save files of the sandbox to the workspace."""
    checked = [clean_folder(path) for path in paths] if paths else None
    found = call.attempt(lambda sandbox: sandbox.inventory(checked))
    saved = save(call.sandbox, call.workspace, found)
    if checked and not saved.names:
        raise NotFoundError("; ".join(saved.warnings) or "there are no files in these folders")
    answer: dict[str, Any] = {
        "status": "partial" if saved.warnings else "ok",
        "files_saved": saved.names,
        "count": len(saved.names),
    }
    if saved.warnings:
        answer["warnings"] = saved.warnings
    return answer


def workspace_list(call: Call, *, path: str | None, next_token: str | None) -> dict[str, Any]:
    page = call.workspace.list(path, next_token)
    return largest_that_fits(page.response, len(page.objects), call.fits)


def workspace_read(call: Call, *, path: str, offset: int | None) -> dict[str, Any]:
    part = call.workspace.read(path, offset or 0)
    return largest_that_fits(part.response, len(part.body), call.fits, minimum=MIN_READ_BYTES)


def workspace_write(call: Call, *, path: str, content: str, encoding: str | None) -> dict[str, Any]:
    return call.workspace.write(path, content, encoding or "text")
