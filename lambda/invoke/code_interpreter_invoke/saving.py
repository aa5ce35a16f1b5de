"""Saves files of a sandbox to the workspace, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .batches import BATCH_BYTES, batches
from .errors import CallError
from .paths import defect, shown
from .sandbox import FileFound, Sandbox, file_contents
from .transfers import carry_out, take_out
from .workspace import PRODUCED, Workspace


class Saved(NamedTuple):
    """The logical names of the files that arrived, and why others did not."""

    names: list[str]
    warnings: list[str]


def save(sandbox: Sandbox, workspace: Workspace, files: Iterable[FileFound]) -> Saved:
    """Save files under their own relative paths; one that fails does not hinder the others."""
    saved = Saved([], [])
    small: list[FileFound] = []
    for file in files:
        problem = file.problem or defect(file.path)
        if problem:
            saved.warnings.append(not_saved(file.path, problem))
        elif file.size <= BATCH_BYTES:
            small.append(file)
        else:
            note(saved, file, attempt_large(sandbox, workspace, file))
    for batch in batches(small):
        for file, body in contents(sandbox, batch):
            note(saved, file, attempt_small(sandbox, workspace, file, body))
    return saved


def note(saved: Saved, file: FileFound, problem: str | None) -> None:
    if problem is None:
        saved.names.append(f"{PRODUCED}/{file.path}")
    else:
        saved.warnings.append(not_saved(file.path, problem))


def not_saved(path: str, problem: str) -> str:
    return f"{shown(path)} was not saved: {problem}"


def attempt_large(sandbox: Sandbox, workspace: Workspace, file: FileFound) -> str | None:
    try:
        return take_out(sandbox, workspace, file)
    except CallError as failure:
        return failure.message


def attempt_small(
    sandbox: Sandbox, workspace: Workspace, file: FileFound, body: bytes | None
) -> str | None:
    try:
        if body is not None and hashlib.sha256(body).hexdigest() == file.sha256:
            workspace.save(file.path, body)
        else:
            # Lost among others, or taken for text that it is not.
            carry_out(sandbox, workspace, file)
    except CallError as failure:
        return failure.message
    return None


def contents(sandbox: Sandbox, batch: list[FileFound]) -> Iterator[tuple[FileFound, bytes | None]]:
    """Each file with its bytes as the service gives them, or with None where it does not."""
    try:
        result = sandbox.repeat("readFiles", {"paths": [file.path for file in batch]})
        bodies = [] if result.failed else file_contents(result)
    except CallError:
        bodies = []
    complete = len(bodies) == len(batch)
    for index, file in enumerate(batch):
        yield file, bodies[index] if complete else None
