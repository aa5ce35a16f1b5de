"""Transfer files that are too large for an operation between a sandbox and the workspace.

The sandbox transfers a file itself, by a presigned URL for one key and one method. If it cannot
reach S3, the function copies the file in parts, up to the service's limit for a request.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator

from ..errors import NotStartedError, RequestError, TransferError
from ..sandbox.sandbox import FileFound, Sandbox, file_contents
from .workspace import StoredFile, Workspace, content_type

# The service's limit for a request's payload (the service's quotas page).
MAX_COPIED_BYTES = 100_000_000
# S3's limit for an object that is written in one request (S3 user guide).
MAX_PUT_BYTES = 5 * 1024**3
# S3 takes parts of at least 5 MiB; 6 MiB become 8 MiB in base64.
PART_BYTES = 6 * 1024 * 1024


def load_large_file(sandbox: Sandbox, workspace: Workspace, file: StoredFile) -> None:
    """Copy a large file of the workspace into the sandbox.

    :raises TransferError: if the sandbox cannot take the file
    """
    if sandbox.s3_error is None:
        url = workspace.bucket.presigned_get(file.key)
        sandbox.s3_error = sandbox.run_program("download", path=file.path, url=url, size=file.size)
    if sandbox.s3_error is not None:
        check_copied_size(file.size, sandbox.s3_error)
        copy_in_parts_to_sandbox(sandbox, workspace, file)


def save_large_file(sandbox: Sandbox, workspace: Workspace, file: FileFound) -> None:
    """Copy a large file of the sandbox to the workspace.

    :raises TransferError: if the file is too large or the sandbox cannot read it
    """
    if file.size > MAX_PUT_BYTES:
        raise TransferError(f"it is larger than {MAX_PUT_BYTES} bytes")
    if sandbox.s3_error is None:
        url = workspace.bucket.presigned_put(workspace.produced_key(file.path), file.size)
        sandbox.s3_error = sandbox.run_program(
            "upload",
            path=file.path,
            url=url,
            size=file.size,
            content_type=content_type(file.path),
        )
    if sandbox.s3_error is not None:
        check_copied_size(file.size, sandbox.s3_error)
        copy_in_parts_to_bucket(sandbox, workspace, file)


def check_copied_size(size: int, s3_error: str) -> None:
    if size > MAX_COPIED_BYTES:
        raise TransferError(
            f"the sandbox could not reach S3 ({s3_error}), and the function copies at most "
            f"{MAX_COPIED_BYTES} bytes"
        )


def parts(size: int) -> Iterator[tuple[int, int]]:
    """Yield the offset and length of each part; an empty file has one part of length 0."""
    for offset in range(0, max(size, 1), PART_BYTES):
        yield offset, min(PART_BYTES, size - offset)


def copy_in_parts_to_sandbox(sandbox: Sandbox, workspace: Workspace, file: StoredFile) -> None:
    """Copy a file into the sandbox, with one part at a time in memory.

    :raises TransferError: if the sandbox cannot take the file
    """
    folder = f".code-interpreter-{uuid.uuid4().hex}"
    names = []
    try:
        for offset, length in parts(file.size):
            found = workspace.bucket.get(file.key, offset=offset, limit=length)
            if found is None or found.etag != file.etag:
                raise NotStartedError("it was replaced while it was loaded")
            names.append(f"{folder}/{offset}")
            sandbox.write({names[-1]: found.body})
        sandbox.run_program("join_parts", repeatable=True, parts=names, path=file.path)
    finally:
        remove_folder(sandbox, folder)


def copy_in_parts_to_bucket(sandbox: Sandbox, workspace: Workspace, file: FileFound) -> None:
    """Copy a file to the workspace, with one part at a time in memory."""
    folder = f".code-interpreter-{uuid.uuid4().hex}"
    key = workspace.produced_key(file.path)
    bucket = workspace.bucket
    try:
        if file.size <= PART_BYTES:
            body = read_part(sandbox, file, folder, 0, file.size)
            bucket.put(key, body, content_type=content_type(file.path))
            return
        upload_id = bucket.begin_parts(key, content_type(file.path))
        etags = [
            bucket.put_part(
                key, upload_id, number, read_part(sandbox, file, folder, offset, length)
            )
            for number, (offset, length) in enumerate(parts(file.size), 1)
        ]
        bucket.complete_parts(key, upload_id, etags)
    finally:
        remove_folder(sandbox, folder)


def read_part(sandbox: Sandbox, file: FileFound, folder: str, offset: int, length: int) -> bytes:
    """Return a part of a sandbox's file, which passes through `folder`."""
    target = f"{folder}/part"
    sandbox.run_program(
        "copy_part", repeatable=True, path=file.path, offset=offset, size=length, target=target
    )
    found = file_contents(sandbox.invoke("readFiles", {"paths": [target]}, repeatable=True))
    body = base64.b64decode(found[0]) if found else b""
    if len(body) != length:
        raise NotStartedError("it changed while it was read")
    return body


def remove_folder(sandbox: Sandbox, folder: str) -> None:
    try:
        sandbox.run_program("remove_folder", repeatable=True, folder=folder)
    except RequestError:
        return  # the folder disappears with the sandbox
