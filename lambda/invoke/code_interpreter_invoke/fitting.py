"""Find the largest form of a response that fits a caller's limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# The search ends with a form that leaves at most this part of the limit, or when no form that is
# larger by more than this part of it fits.
PRECISION = 1 / 64


def largest_that_fits(
    build: Callable[[int], T], size: int, share: Callable[[T], float], *, minimum: int = 1
) -> T:
    """Return `build(size)` if it fits, or else the largest form that does.

    A form of `minimum` is returned whether it fits or not.

    :param share: Returns the part of the limit that a form takes: a form fits if it is at most 1.
    """
    built = build(size)
    if share(built) <= 1:
        return built
    fitting, too_large = minimum, size
    largest = build(minimum)
    used = last_share = share(largest)
    last, trial, turn = minimum, max(2 * minimum, minimum + 1), 0
    while too_large - fitting > max(fitting * PRECISION, 1) and used < 1 - PRECISION:
        # Forms mostly grow evenly, so that the line through two of them leads to the limit. Where
        # they do not, the middle comes every other time.
        if not fitting < trial < too_large or (turn > 2 and turn % 2):
            trial = (fitting + too_large) // 2
        built = build(trial)
        taken = share(built)
        if taken <= 1:
            fitting, largest, used = trial, built, taken
        else:
            too_large = trial
        growth = (taken - last_share) / (trial - last)
        last, last_share, turn = trial, taken, turn + 1
        trial = last + int((1 - PRECISION / 2 - taken) / growth) if growth else fitting
    return largest
