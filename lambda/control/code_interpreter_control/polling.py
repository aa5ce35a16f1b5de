"""How much time is left, and waiting within it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .errors import DeadlineExceededError

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 10.0


@dataclass(frozen=True)
class Clock:
    """Counts down to the moment at which Lambda ends the function.

    `remaining` gives the seconds until then; `reserve` are the last of them, which are not for
    waiting.
    """

    remaining: Callable[[], float]
    reserve: float = 0.0
    sleep: Callable[[float], None] = time.sleep

    def with_reserve(self, seconds: float) -> Clock:
        """The same clock with another reserve."""
        return replace(self, reserve=seconds)

    def limited_to(self, seconds: float) -> Clock:
        """The same clock with at most `seconds` left for waiting from now on."""
        return replace(self, reserve=max(self.reserve, self.remaining() - seconds))

    def poll(self) -> Iterator[None]:
        """Go round at once, then after ever longer pauses, with jitter, while there is time.

        :raises DeadlineExceededError: when the next pause would reach into the reserve.
        """
        pause = FIRST_PAUSE
        while True:
            yield
            seconds = pause * random.uniform(0.75, 1.25)  # noqa: S311 - not for secrets
            if self.remaining() - seconds <= self.reserve:
                raise DeadlineExceededError
            self.sleep(seconds)
            pause = min(pause * 1.5, LONGEST_PAUSE)
