"""Moves files too large for a request between a sandbox and the workspace.

They go straight, by a presigned URL for one key and one method. Where the sandbox cannot reach S3
the function carries them piece by piece, up to what the service would take in one request.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator

from ..errors import CallError, NotStartedError
from ..sandbox.sandbox import FileFound, Sandbox, file_contents
from .workspace import Upload, Workspace, content_type

# The service's limit for a request's payload (the service's quotas page).
CARRIED_BYTES = 100_000_000
# S3's limit for an object that is written in one request (S3 user guide).
LARGEST_PUT = 5 * 1024**3
# Base64 makes 8 MiB of it; S3 wants at least 5 MiB.
PIECE = 6 * 1024 * 1024


def bring_in(sandbox: Sandbox, workspace: Workspace, upload: Upload) -> str | None:
    """Load a large upload; returns what went wrong."""
    problem: str | None = "the sandbox cannot reach S3"
    if sandbox.reaches_s3:
        url = workspace.bucket.presigned_get(upload.key)
        problem = sandbox.perform("fetch", path=upload.path, url=url, size=upload.size)
        sandbox.reaches_s3 = problem is None
    if problem is None:
        return None
    if upload.size > CARRIED_BYTES:
        return too_large(problem)
    return carry_in(sandbox, workspace, upload)


def take_out(sandbox: Sandbox, workspace: Workspace, file: FileFound) -> str | None:
    """Save a large file; returns what went wrong."""
    if file.size > LARGEST_PUT:
        return f"it is larger than {LARGEST_PUT} bytes"
    problem: str | None = "the sandbox cannot reach S3"
    if sandbox.reaches_s3:
        url = workspace.bucket.presigned_put(workspace.produced_key(file.path), file.size)
        problem = sandbox.perform(
            "store",
            path=file.path,
            url=url,
            size=file.size,
            content_type=content_type(file.path),
        )
        sandbox.reaches_s3 = problem is None
    if problem is None:
        return None
    if file.size > CARRIED_BYTES:
        return too_large(problem)
    carry_out(sandbox, workspace, file)
    return None


def too_large(problem: str) -> str:
    return (
        f"it did not get through ({problem}), and the function carries no more than "
        f"{CARRIED_BYTES} bytes in the sandbox's place"
    )


def pieces(size: int) -> Iterator[tuple[int, int]]:
    """The offset and length of each piece; one of length 0 for an empty file."""
    for offset in range(0, max(size, 1), PIECE):
        yield offset, min(PIECE, size - offset)


def carry_in(sandbox: Sandbox, workspace: Workspace, upload: Upload) -> str | None:
    """Load a file through the function, one piece in memory at a time."""
    folder = f".code-interpreter-{uuid.uuid4().hex}"
    names = []
    try:
        for offset, length in pieces(upload.size):
            found = workspace.bucket.get(upload.key, offset=offset, limit=length)
            if found is None or found.etag != upload.etag:
                raise NotStartedError("it was replaced while it was loaded")
            names.append(f"{folder}/{offset}")
            problem = sandbox.write({names[-1]: found.body})
            if problem is not None:
                return problem
        sandbox.perform_quickly("join", parts=names, path=upload.path)
        return None
    finally:
        clear(sandbox, folder)


def carry_out(sandbox: Sandbox, workspace: Workspace, file: FileFound) -> None:
    """Save a file through the function, one piece in memory at a time."""
    folder = f".code-interpreter-{uuid.uuid4().hex}"
    key = workspace.produced_key(file.path)
    bucket = workspace.bucket
    try:
        if file.size <= PIECE:
            body = piece(sandbox, file, folder, 0, file.size)
            bucket.put(key, body, content_type=content_type(file.path))
            return
        upload_id = bucket.begin_parts(key, content_type(file.path))
        etags = [
            bucket.put_part(key, upload_id, number, piece(sandbox, file, folder, offset, length))
            for number, (offset, length) in enumerate(pieces(file.size), 1)
        ]
        bucket.complete_parts(key, upload_id, etags)
    finally:
        clear(sandbox, folder)


def piece(sandbox: Sandbox, file: FileFound, folder: str, offset: int, length: int) -> bytes:
    """A part of a sandbox's file."""
    name = f"{folder}/piece"
    sandbox.perform_quickly("part", path=file.path, offset=offset, size=length, into=name)
    found = file_contents(sandbox.repeat("readFiles", {"paths": [name]}))
    body = base64.b64decode(found[0]) if found else b""
    if len(body) != length:
        raise NotStartedError("it changed while it was read")
    return body


def clear(sandbox: Sandbox, folder: str) -> None:
    try:
        sandbox.perform_quickly("remove", folder=folder)
    except CallError:
        return  # it disappears with the sandbox
