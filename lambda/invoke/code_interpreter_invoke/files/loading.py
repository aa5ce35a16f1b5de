"""Load files of the workspace into a sandbox, byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from ..errors import RequestError, SandboxGoneError, TransferError
from ..sandbox.sandbox import MAX_OPERATION_BYTES, Sandbox
from .batches import batches
from .workspace import REQUESTS_AT_ONCE, StoredFile, Workspace


class Loaded(NamedTuple):
    """The paths of the loaded files in the working directory, and a warning for each other file."""

    paths: list[str]
    warnings: list[str]

    @contextmanager
    def recording(self, file: StoredFile) -> Iterator[None]:
        """Record that the file was loaded, or why the sandbox refused it."""
        try:
            yield
        except TransferError as error:
            self.warnings.append(f"{file.name} was not loaded: {error.message}")
        else:
            self.paths.append(file.path)


def load_all(sandbox: Sandbox, workspace: Workspace, files: list[StoredFile]) -> Loaded:
    """Load files into the working directory under their own paths.

    A batch that fails does not stop the others.

    :raises RequestError: if a batch fails before any file was loaded
    :raises SandboxGoneError: if the sandbox ends; its files are lost
    """
    loaded = Loaded([], [])
    for batch in group_files(files):
        try:
            add_batch(sandbox, workspace, batch, loaded)
        except SandboxGoneError:
            raise
        except RequestError as error:
            if not loaded.paths:
                raise
            loaded.warnings.extend(
                f"{file.name} was not loaded: {error.message}"
                for file in batch
                if file.problem is None and file.path not in loaded.paths
            )
    return loaded


def group_files(files: Iterable[StoredFile]) -> Iterator[list[StoredFile]]:
    """Group files into batches that are loaded at once; a large file is a batch of its own."""
    large: list[StoredFile] = []
    small: list[StoredFile] = []
    for file in files:
        (large if file.size > MAX_OPERATION_BYTES else small).append(file)
    yield from batches(small)
    for file in large:
        yield [file]


def load(sandbox: Sandbox, workspace: Workspace, batch: list[StoredFile]) -> Loaded:
    """Load a batch into the working directory."""
    loaded = Loaded([], [])
    add_batch(sandbox, workspace, batch, loaded)
    return loaded


def add_batch(
    sandbox: Sandbox, workspace: Workspace, batch: list[StoredFile], loaded: Loaded
) -> None:
    """Load a batch, and add its files and warnings to `loaded`, also if it fails on the way."""
    files: list[StoredFile] = []
    for file in batch:
        if file.problem is None:
            files.append(file)
        else:
            # The name may have control characters.
            loaded.warnings.append(f"{file.name!r} was not loaded: {file.problem}")
    if files and files[0].size > MAX_OPERATION_BYTES:
        with loaded.recording(files[0]):
            from .large_files import load_large_file  # most files are small

            load_large_file(sandbox, workspace, files[0])
            workspace.bytes_copied += files[0].size
    else:
        load_small_files(sandbox, workspace, files, loaded)


def load_small_files(
    sandbox: Sandbox, workspace: Workspace, files: list[StoredFile], loaded: Loaded
) -> None:
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        objects = list(pool.map(workspace.bucket.get, [file.key for file in files]))
    bodies: dict[StoredFile, bytes] = {}
    for file, stored in zip(files, objects, strict=True):
        if stored is None:
            loaded.warnings.append(f"{file.name} was not loaded: it was removed meanwhile")
        else:
            bodies[file] = stored.body
    if not bodies:
        return
    try:
        sandbox.write({file.path: body for file, body in bodies.items()})
    except TransferError:
        # The operation wrote none of them: find those that the sandbox refuses.
        for file, body in bodies.items():
            with loaded.recording(file):
                sandbox.write({file.path: body})
                workspace.bytes_copied += len(body)
    else:
        workspace.bytes_copied += sum(map(len, bodies.values()))
        loaded.paths.extend(file.path for file in bodies)
