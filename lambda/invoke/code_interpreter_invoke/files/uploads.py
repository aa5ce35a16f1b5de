"""Load the user's uploads into a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from ..sandbox.errors import TransferError
from ..sandbox.sandbox import MAX_OPERATION_BYTES, Sandbox
from ..sessions.store import Record
from .batches import batches
from .large_files import load_large_upload
from .workspace import REQUESTS_AT_ONCE, UPLOADS, Upload, Workspace


class Loaded(NamedTuple):
    """Uploads that need no further attempt: each is in the sandbox, or has a warning."""

    uploads: list[Upload]
    warnings: list[str]

    @contextmanager
    def warning(self, path: str) -> Iterator[None]:
        """Turn the sandbox's refusal of an upload into a warning."""
        try:
            yield
        except TransferError as error:
            self.warnings.append(f"{UPLOADS}/{path} was not loaded: {error.message}")


def missing(record: Record, uploads: Iterable[Upload]) -> list[Upload]:
    """Return the uploads that the sandbox does not have in their present version.

    The ETag tells versions apart. A file that the sandbox has since changed is left alone until
    the user supplies another version.
    """
    return [upload for upload in uploads if record.uploads.get(upload.path) != upload.etag]


def load(
    sandbox: Sandbox,
    workspace: Workspace,
    uploads: list[Upload],
    announce: Callable[[int], None],
) -> Iterator[Loaded]:
    """Load uploads into the working directory, batch by batch.

    `announce` receives the bytes of each batch before its transfer begins.
    """
    small = [upload for upload in uploads if upload.size <= MAX_OPERATION_BYTES]
    for batch in batches(small):
        announce(sum(upload.size for upload in batch))
        yield load_batch(sandbox, workspace, batch)
    for upload in uploads:
        if upload.size > MAX_OPERATION_BYTES:
            announce(upload.size)
            loaded = Loaded([upload], [])
            with loaded.warning(upload.path):
                load_large_upload(sandbox, workspace, upload)
            yield loaded


def load_batch(sandbox: Sandbox, workspace: Workspace, batch: list[Upload]) -> Loaded:
    loaded = Loaded(batch, [])
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        objects = list(pool.map(workspace.bucket.get, [upload.key for upload in batch]))
    # The user may have removed an upload since it was listed.
    files = {
        upload.path: stored.body for upload, stored in zip(batch, objects, strict=True) if stored
    }
    if not files:
        return loaded
    try:
        sandbox.write(files)
    except TransferError:
        # The operation wrote none of them: find those that the sandbox refuses.
        for path, body in files.items():
            with loaded.warning(path):
                sandbox.write({path: body})
    return loaded
