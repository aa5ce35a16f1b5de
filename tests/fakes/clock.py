"""Time that passes only while somebody waits."""

from __future__ import annotations

from collections.abc import Callable


class Clock:
    """A clock in seconds since the epoch."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0
        self.while_waiting: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.while_waiting()
