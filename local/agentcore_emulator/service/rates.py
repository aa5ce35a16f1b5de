"""The limits on the requests that an owner may send in a second."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import datetime, timedelta

from agentcore_emulator.model.errors import ThrottlingError
from agentcore_emulator.service.clock import ServiceClock
from agentcore_emulator.service.owner import Owner
from agentcore_emulator.settings import EmulatorSettings

WRITES = ("CreateCodeInterpreter", "DeleteCodeInterpreter")


class Rates:
    """Counts the requests of the last second, if rates are enforced."""

    def __init__(self, settings: EmulatorSettings, clock: ServiceClock) -> None:
        self._settings = settings
        self._clock = clock
        self._calls: defaultdict[tuple[Owner, str], deque[datetime]] = defaultdict(deque)

    def check(self, owner: Owner, operation: str) -> None:
        """Count a request.

        :raises ThrottlingError: if the owner has sent too many in the last second.
        """
        if not self._settings.enforce_rates:
            return
        settings = self._settings
        limit = settings.writes_per_second if operation in WRITES else settings.calls_per_second
        calls, now = self._calls[owner, operation], self._clock.now()
        while calls and calls[0] <= now - timedelta(seconds=1):
            calls.popleft()
        if len(calls) >= limit:
            raise ThrottlingError(f"Rate exceeded: {operation} is limited to {limit} per second")
        calls.append(now)
