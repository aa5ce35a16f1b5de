"""Find the largest form of a response that fits a caller's limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def largest_that_fits(
    build: Callable[[int], T], size: int, fits: Callable[[T], bool], *, minimum: int = 1
) -> T:
    """Return `build(size)` if it fits, else build with half the size, and so on.

    A size of `minimum` or less is not halved again, so that the last form may not fit.
    """
    while not fits(built := build(size)) and size > minimum:
        size //= 2
    return built
