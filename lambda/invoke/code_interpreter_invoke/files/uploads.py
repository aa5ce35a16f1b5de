"""Load the user's uploads into a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from ..sandbox.errors import TransferError
from ..sandbox.sandbox import MAX_OPERATION_BYTES, Sandbox
from .batches import batches
from .large_files import load_large_upload
from .workspace import REQUESTS_AT_ONCE, UPLOADS, Upload, Workspace


def group_uploads(uploads: list[Upload]) -> Iterator[list[Upload]]:
    """Group uploads into batches that are loaded at once; a large upload is a batch of its own."""
    small = [upload for upload in uploads if upload.size <= MAX_OPERATION_BYTES]
    yield from batches(small)
    for upload in uploads:
        if upload.size > MAX_OPERATION_BYTES:
            yield [upload]


def load(sandbox: Sandbox, workspace: Workspace, batch: list[Upload]) -> list[str]:
    """Load a batch into the working directory, and return a warning for each upload left out."""
    warnings: list[str] = []
    if batch[0].size > MAX_OPERATION_BYTES:
        with warning_for(batch[0].path, warnings):
            load_large_upload(sandbox, workspace, batch[0])
        return warnings
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        objects = list(pool.map(workspace.bucket.get, [upload.key for upload in batch]))
    # The user may have removed an upload since it was listed.
    files = {
        upload.path: stored.body for upload, stored in zip(batch, objects, strict=True) if stored
    }
    if not files:
        return warnings
    try:
        sandbox.write(files)
    except TransferError:
        # The operation wrote none of them: find those that the sandbox refuses.
        for path, body in files.items():
            with warning_for(path, warnings):
                sandbox.write({path: body})
    return warnings


@contextmanager
def warning_for(path: str, warnings: list[str]) -> Iterator[None]:
    """Turn the sandbox's refusal of an upload into a warning."""
    try:
        yield
    except TransferError as error:
        warnings.append(f"{UPLOADS}/{path} was not loaded: {error.message}")
