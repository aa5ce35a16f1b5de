"""Groups files into requests, so that no request takes more memory than is meant for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

BATCH_BYTES = 8 * 1024 * 1024
BATCH_FILES = 100


class Sized(Protocol):
    """Anything with a size in bytes."""

    @property
    def size(self) -> int: ...


T = TypeVar("T", bound=Sized)


def batches(files: Iterable[T]) -> Iterator[list[T]]:
    """Groups below both limits; a file larger than a group is a group of its own."""
    batch: list[T] = []
    size = 0
    for file in files:
        if batch and (size + file.size > BATCH_BYTES or len(batch) == BATCH_FILES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch
