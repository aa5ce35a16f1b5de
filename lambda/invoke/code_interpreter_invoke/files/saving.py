"""Save files of a sandbox to the workspace, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from ..errors import RequestError, TransferError, quote
from ..sandbox.sandbox import MAX_OPERATION_BYTES, FileFound, Sandbox, file_contents
from .batches import batches
from .paths import defect
from .workspace import PRODUCED, REQUESTS_AT_ONCE, Workspace


class Saved(NamedTuple):
    """The workspace paths of the saved files, and a warning for each of the others."""

    names: list[str]
    warnings: list[str]

    @contextmanager
    def recording(self, file: FileFound) -> Iterator[None]:
        """Record that the file was saved, or the error that prevented it."""
        try:
            yield
        except RequestError as error:
            self.warnings.append(f"{quote(file.path)} was not saved: {error.message}")
        else:
            self.names.append(f"{PRODUCED}/{file.path}")


def save(sandbox: Sandbox, workspace: Workspace, files: Iterable[FileFound]) -> Saved:
    """Save files under their own relative paths; a file that fails does not stop the others."""
    saved = Saved([], [])
    small: list[FileFound] = []
    for file in files:
        problem = file.problem or defect(file.path)
        if problem is None and file.size <= MAX_OPERATION_BYTES:
            small.append(file)
            continue
        with saved.recording(file):
            if problem is not None:
                raise TransferError(problem)
            from .large_files import save_large_file  # most files are small

            save_large_file(sandbox, workspace, file)
            workspace.bytes_copied += file.size
    for batch in batches(small):
        save_batch(sandbox, workspace, batch, saved)
    return saved


def save_batch(
    sandbox: Sandbox, workspace: Workspace, batch: list[FileFound], saved: Saved
) -> None:
    bodies = zip(batch, read_batch(sandbox, batch), strict=True)
    intact = {file: body for file, body in bodies if is_intact(file, body)}
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        saving = {
            file: pool.submit(workspace.save, file.path, body) for file, body in intact.items()
        }
    for file in batch:
        with saved.recording(file):
            if file in saving:
                saving[file].result()
            else:
                # The service left it out or decoded it as text; copy it again byte for byte.
                from .large_files import copy_in_parts_to_bucket

                copy_in_parts_to_bucket(sandbox, workspace, file)
            workspace.bytes_copied += file.size


def is_intact(file: FileFound, body: bytes) -> bool:
    return hashlib.sha256(body).hexdigest() == file.sha256


def read_batch(sandbox: Sandbox, batch: list[FileFound]) -> list[bytes]:
    """Return the bytes of each file, or b"" for all if the service does not return every file."""
    nothing = [b""] * len(batch)
    paths = [file.path for file in batch]
    try:
        result = sandbox.invoke("readFiles", {"paths": paths}, repeatable=True)
    except RequestError:
        return nothing
    bodies = file_contents(result)
    # The result does not say which file is missing.
    return bodies if not result.failed and len(bodies) == len(batch) else nothing
