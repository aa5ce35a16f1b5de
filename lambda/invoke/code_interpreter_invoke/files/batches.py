"""Group files into operations, so that no operation exceeds the memory meant for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from ..sandbox.sandbox import MAX_OPERATION_BYTES

MAX_OPERATION_FILES = 100


class Sized(Protocol):
    """A file with a size in bytes."""

    @property
    def size(self) -> int: ...


T = TypeVar("T", bound=Sized)


def batches(files: Iterable[T]) -> Iterator[list[T]]:
    """Yield batches within both limits; a file above the limit is a batch of its own."""
    batch: list[T] = []
    size = 0
    for file in files:
        if batch and (size + file.size > MAX_OPERATION_BYTES or len(batch) == MAX_OPERATION_FILES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch
