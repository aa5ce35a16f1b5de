"""Find the largest form of a response that fits a caller's limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# The search ends when no form that is larger by more than this part of it fits.
PRECISION = 1 / 64


def largest_that_fits(
    build: Callable[[int], T], size: int, fits: Callable[[T], bool], *, minimum: int = 1
) -> T:
    """Return `build(size)` if it fits, or else the largest form that does.

    A form of `minimum` is returned whether it fits or not.
    """
    built = build(size)
    if fits(built):
        return built
    fitting, too_large = minimum, size
    largest = build(minimum)
    while too_large - fitting > max(fitting * PRECISION, 1):
        middle = (fitting + too_large) // 2
        built = build(middle)
        if fits(built):
            fitting, largest = middle, built
        else:
            too_large = middle
    return largest
