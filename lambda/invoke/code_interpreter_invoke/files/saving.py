"""Saves files of a sandbox to the workspace, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from ..errors import CallError, quote
from ..sandbox.sandbox import FileFound, Sandbox, file_contents
from .batches import BATCH_BYTES, batches
from .large_files import carry_out, take_out
from .paths import defect
from .workspace import PRODUCED, REQUESTS_AT_ONCE, Workspace


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
            note(saved, file, attempt(sandbox, workspace, file))
    for batch in batches(small):
        received = zip(batch, contents(sandbox, batch), strict=True)
        intact = {file: body for file, body in received if is_intact(file, body)}
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            outcomes = pool.map(partial(store, workspace), intact, intact.values())
            problems = dict(zip(intact, outcomes, strict=True))
        for file in batch:
            # Lost among others, or taken for text that it is not.
            problem = problems[file] if file in intact else carry(sandbox, workspace, file)
            note(saved, file, problem)
    return saved


def note(saved: Saved, file: FileFound, problem: str | None) -> None:
    if problem is None:
        saved.names.append(f"{PRODUCED}/{file.path}")
    else:
        saved.warnings.append(not_saved(file.path, problem))


def not_saved(path: str, problem: str) -> str:
    return f"{quote(path)} was not saved: {problem}"


def attempt(sandbox: Sandbox, workspace: Workspace, file: FileFound) -> str | None:
    try:
        return take_out(sandbox, workspace, file)
    except CallError as failure:
        return failure.message


def is_intact(file: FileFound, body: bytes) -> bool:
    return hashlib.sha256(body).hexdigest() == file.sha256


def store(workspace: Workspace, file: FileFound, body: bytes) -> str | None:
    try:
        workspace.save(file.path, body)
    except CallError as failure:
        return failure.message
    return None


def carry(sandbox: Sandbox, workspace: Workspace, file: FileFound) -> str | None:
    try:
        carry_out(sandbox, workspace, file)
    except CallError as failure:
        return failure.message
    return None


def contents(sandbox: Sandbox, batch: list[FileFound]) -> list[bytes]:
    """The bytes of each file as the service gives them; for all b"" where it does not."""
    nothing = [b""] * len(batch)
    try:
        result = sandbox.repeat("readFiles", {"paths": [file.path for file in batch]})
    except CallError:
        return nothing
    bodies = file_contents(result)
    # Which of them is missing is not said.
    return bodies if not result.failed and len(bodies) == len(batch) else nothing
