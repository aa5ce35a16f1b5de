"""The service's clock: real time plus the seconds by which tests have advanced it.

Statuses, session lifetimes and rates all follow this clock, so a test moves hours in one request
and never sleeps to see a state change.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

# Sessions end later than now, and the calendar of Python ends with the year 9999.
LATEST = datetime(9000, 1, 1, tzinfo=UTC)


class ServiceClock:
    """Starts at the machine's time, follows the monotonic clock, and never goes backwards."""

    def __init__(self) -> None:
        self._epoch = datetime.now(UTC) - timedelta(seconds=time.monotonic())
        # The length of each advance, and its moment on the machine's clock.
        self._advances: list[tuple[timedelta, datetime]] = []
        self._advance = asyncio.Event()

    def now(self) -> datetime:
        return self._machine() + sum((by for by, _ in self._advances), timedelta())

    def elapsed_since(self, moment: datetime) -> timedelta:
        """Return the time on this clock since the machine's clock showed `moment`.

        `moment` has whole seconds; another program took it, which does not know this clock.
        """
        later = [by for by, at in self._advances if moment < at.replace(microsecond=0)]
        return self._machine() - moment + sum(later, timedelta())

    def _machine(self) -> datetime:
        return self._epoch + timedelta(seconds=time.monotonic())

    def advance(self, seconds: float) -> None:
        """Move the clock forward and wake all tasks that wait for a moment.

        :raises ValueError: if `seconds` is negative or leads beyond `LATEST`.
        """
        most = (LATEST - self.now()).total_seconds()
        if not 0 <= seconds <= most:
            raise ValueError(f"advance_seconds: {seconds!r} is not from 0 to {most:.0f}")
        self._advances.append((timedelta(seconds=seconds), self._machine()))
        self._advance.set()
        self._advance = asyncio.Event()

    async def wait_until(self, moment: datetime) -> None:
        """Return at `moment`, in real time or after an advance."""
        while (left := (moment - self.now()).total_seconds()) > 0:
            advance = self._advance
            try:
                await asyncio.wait_for(advance.wait(), timeout=left)
            except TimeoutError:
                continue
