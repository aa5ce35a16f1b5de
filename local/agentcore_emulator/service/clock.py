"""The service's clock: real time plus what a test has advanced it by.

Everything that depends on time is computed from it (statuses, session lifetimes, rates), so a
test moves hours in one call and nothing ever sleeps to see a state change.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class ServiceClock:
    """Starts at the machine's time and runs on the monotonic clock; never goes backwards."""

    def __init__(self) -> None:
        self._epoch = datetime.now(UTC) - timedelta(seconds=time.monotonic())
        # By how much, and when by the machine's clock.
        self._advances: list[tuple[timedelta, datetime]] = []
        self._advance = asyncio.Event()

    def now(self) -> datetime:
        return self._machine() + sum((by for by, _ in self._advances), timedelta())

    def elapsed_since(self, moment: datetime) -> timedelta:
        """What has passed here since the machine's clock showed `moment`, in whole seconds.

        It is for what was dated by somebody who does not know this clock.
        """
        later = [by for by, at in self._advances if moment < at.replace(microsecond=0)]
        return self._machine() - moment + sum(later, timedelta())

    def _machine(self) -> datetime:
        return self._epoch + timedelta(seconds=time.monotonic())

    def advance(self, seconds: float) -> None:
        """Move the clock forward and wake whoever waits for a moment."""
        self._advances.append((timedelta(seconds=seconds), self._machine()))
        self._advance.set()
        self._advance = asyncio.Event()

    async def wait_until(self, moment: datetime) -> None:
        """Return at `moment`, whether time passes or is advanced."""
        while (left := (moment - self.now()).total_seconds()) > 0:
            advance = self._advance
            try:
                await asyncio.wait_for(advance.wait(), timeout=left)
            except TimeoutError:
                continue
