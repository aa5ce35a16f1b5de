"""Brings the user's uploads into a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from ..sandbox.sandbox import Sandbox, TaskFailedError
from ..sessions.store import Record
from .batches import BATCH_BYTES, batches
from .large_files import bring_in
from .workspace import REQUESTS_AT_ONCE, UPLOADS, Upload, Workspace


class Loaded(NamedTuple):
    """Uploads that are done with: in the sandbox, except those with a warning."""

    uploads: list[Upload]
    warnings: list[str]


def missing(record: Record, uploads: Iterable[Upload]) -> list[Upload]:
    """The uploads a sandbox does not have in their present version.

    Versions are told apart by ETag, so that a file the sandbox has since changed is left alone
    until the user supplies another one.
    """
    return [upload for upload in uploads if record.uploads.get(upload.path) != upload.etag]


def load(
    sandbox: Sandbox,
    workspace: Workspace,
    uploads: list[Upload],
    announce: Callable[[int], None],
) -> Iterator[Loaded]:
    """Bring uploads into the working directory, batch by batch.

    `announce` is told the bytes of each batch before it is begun.
    """
    small = [upload for upload in uploads if upload.size <= BATCH_BYTES]
    for batch in batches(small):
        announce(sum(upload.size for upload in batch))
        yield Loaded(batch, load_batch(sandbox, workspace, batch))
    for upload in uploads:
        if upload.size > BATCH_BYTES:
            announce(upload.size)
            yield Loaded([upload], warnings({upload.path: attempt(sandbox, workspace, upload)}))


def load_batch(sandbox: Sandbox, workspace: Workspace, batch: list[Upload]) -> list[str]:
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        found = list(pool.map(workspace.bucket.get, [upload.key for upload in batch]))
    # An upload that was removed meanwhile is left out.
    files = {upload.path: one.body for upload, one in zip(batch, found, strict=True) if one}
    if not files or sandbox.write(files) is None:
        return []
    # A request writes all its files or none: find those that cannot be written.
    return warnings({path: sandbox.write({path: body}) for path, body in files.items()})


def attempt(sandbox: Sandbox, workspace: Workspace, upload: Upload) -> str | None:
    try:
        return bring_in(sandbox, workspace, upload)
    except TaskFailedError as failure:
        return failure.message


def warnings(problems: dict[str, str | None]) -> list[str]:
    return [
        f"{UPLOADS}/{path} was not loaded: {problem}"
        for path, problem in problems.items()
        if problem is not None
    ]
