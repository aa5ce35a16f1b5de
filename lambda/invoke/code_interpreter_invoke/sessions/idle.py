"""When a session is idle: the moments of its last use, which requests write and the sweeper reads.

A request that finds the last use older than a quarter of the limit writes it before it uses the
sandbox. A younger one needs no write, because the sweeper waits for the whole limit.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from .store import SessionRecord

WRITES_PER_LIMIT = 4


def is_use_due(record: SessionRecord, now: float) -> bool:
    """Tell whether a request has to write that it uses the sandbox."""
    pause = record.idle_limit / WRITES_PER_LIMIT
    return record.idle_limit > 0 and now - record.last_used_at >= pause


def idle_from(record: SessionRecord) -> float:
    """Return the moment after which a session is idle, unless its record is written before.

    Earlier versions of the function wrote no moment. While a request holds the lease, others use
    the sandbox without writing. A sandbox that ends earlier is never idle.
    """
    if not record.idle_limit or not record.last_used_at:
        return math.inf
    moment = max(record.last_used_at, record.lease_expires_at) + record.idle_limit
    return moment if moment < record.expires_at else math.inf


class Heartbeat:
    """Calls a function every so many seconds, in a thread of its own, until it is stopped."""

    def __init__(self, beat: Callable[[], None], seconds: float) -> None:
        self._beat = beat
        self._seconds = seconds
        self._stopped = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            self._beat()
