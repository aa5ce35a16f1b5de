"""The service's clock: real time plus what a test has advanced it by.

Everything that depends on time is computed from it (statuses, session lifetimes, rates), so a
test moves hours in one call and nothing ever sleeps to see a state change.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Starts at the machine's time and runs on the monotonic clock; never goes backwards."""

    def __init__(self) -> None:
        self._epoch = datetime.now(UTC) - timedelta(seconds=time.monotonic())
        self._advanced = timedelta()
        self._advance = asyncio.Event()

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=time.monotonic()) + self._advanced

    def advance(self, seconds: float) -> None:
        """Move the clock forward and wake whoever waits for a moment."""
        self._advanced += timedelta(seconds=seconds)
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
