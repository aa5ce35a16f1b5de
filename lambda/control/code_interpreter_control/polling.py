"""The function's remaining time, and pauses that fit into it."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .errors import DeadlineExceededError

# Seconds. The local AWS, whose code interpreters change quickly, sets fewer.
FIRST_PAUSE = float(os.environ.get("FIRST_PAUSE_SECONDS", "1"))
LONGEST_PAUSE = 10.0


@dataclass(frozen=True)
class Clock:
    """A countdown to the moment at which Lambda ends the function.

    `remaining` returns the seconds until then. Polling stops when only the last `reserve` seconds
    are left.
    """

    remaining: Callable[[], float]
    reserve: float = 0.0
    sleep: Callable[[float], None] = time.sleep

    def with_reserve(self, seconds: float) -> Clock:
        """Return a clock with the same deadline and another reserve."""
        return replace(self, reserve=seconds)

    def limited_to(self, seconds: float) -> Clock:
        """Return a clock that polls for at most `seconds` from now on."""
        return replace(self, reserve=max(self.reserve, self.remaining() - seconds))

    def left(self) -> float:
        """Return the seconds for which polling can go on."""
        return max(self.remaining() - self.reserve, 0)

    def poll(self) -> Iterator[None]:
        """Yield at once, then after pauses with jitter, each longer than the pause before.

        :raises DeadlineExceededError: if the next pause would reach into the reserve.
        """
        pause = FIRST_PAUSE
        while True:
            yield
            seconds = pause * random.uniform(0.75, 1.25)  # noqa: S311 - not for secrets
            if self.remaining() - seconds <= self.reserve:
                raise DeadlineExceededError
            self.sleep(seconds)
            pause = min(pause * 1.5, LONGEST_PAUSE)
