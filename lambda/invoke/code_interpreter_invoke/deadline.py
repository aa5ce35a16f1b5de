"""The moment at which the function must have responded."""

from __future__ import annotations

import time
from collections.abc import Callable


class Deadline:
    """The moment at which the function must have responded."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._at = now() + seconds
        # Seconds left for stopping, saving and responding when the user's code has used its time.
        self.response_reserve = min(10.0, seconds / 10)
        # Seconds left for responding when anything else has.
        self._last_moment = self.response_reserve / 5

    def remaining(self) -> float:
        """Return the seconds that are left, negative when the deadline has passed."""
        return self._at - self._now()

    def remaining_for_requests(self) -> float:
        """Return the seconds that requests to services may take, until just before the deadline."""
        return self.remaining() - self._last_moment
