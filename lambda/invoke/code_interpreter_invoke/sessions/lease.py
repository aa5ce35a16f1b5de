"""Who prepares a session's sandbox: one caller at a time, and another one if that one is lost."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from ..errors import CallError
from .store import Record, RecordChangedError, Records, Stored

# How long a caller may prepare a sandbox without a sign of progress before another one takes over:
# longer than any single request it makes, a transfer apart.
LEASE = 150.0
# The slowest transfer that is not taken for a crash, in bytes per second.
SLOWEST_TRANSFER = 5_000_000


class Claim:
    """The task of preparing a session's sandbox, held by one caller at a time.

    Until it is published, a new sandbox is known to others by its start token alone: who takes the
    task over starts it with the same token and so gets the same sandbox, not a second one.
    """

    def __init__(
        self,
        name: str,
        records: Records,
        stored: Stored,
        *,
        alive: bool,
        lease: Callable[[float], tuple[float, float]],
    ) -> None:
        self._name = name
        self._records = records
        self._etag = stored.etag
        self._alive = alive
        self._lease = lease
        before = stored.record
        self.record = before
        if not alive:
            self.record = Record(
                start_token=before.start_token or str(uuid.uuid4()),
                replaces=before.replaces or bool(before.session_id),
                options=before.options,
            )
        self._hold()

    @property
    def started(self) -> bool:
        """Whether the sandbox was started for this task."""
        return not self._alive and self.record.session_id != ""

    def shares_sandbox_with(self, record: Record) -> bool:
        return (
            record.session_id == self.record.session_id
            or record.start_token == self.record.start_token
        )

    def _visible(self) -> Record:
        """What others see meanwhile."""
        if self._alive:
            return self.record
        return Record(
            start_token=self.record.start_token,
            replaces=self.record.replaces,
            options=self.record.options,
        )

    def _write(self, record: Record) -> Stored:
        stored = self._records.write(self._name, record, self._etag)
        self._etag = stored.etag
        return stored

    def _hold(self, work: float = 0.0) -> None:
        self._held, self._until = self._lease(work)
        self._write(self._visible()._replace(prepared_by=self._until))

    def renew(self, size: int) -> None:
        """Say that the work goes on with a transfer of `size` bytes.

        Raises `RecordChangedError` if somebody else has taken it over.
        """
        work = size / SLOWEST_TRANSFER
        now, until = self._lease(work)
        if now - self._held > LEASE / 5 or until - self._until > LEASE / 5:
            self._hold(work)

    def begin_again(self) -> None:
        """Prepare another sandbox, since the one at hand has ended."""
        self.record = Record(
            start_token=str(uuid.uuid4()),
            replaces=self._alive or self.record.replaces,
            options=self.record.options,
        )
        self._alive = False
        self._hold()

    def publish(self) -> Stored:
        """Let everybody use the sandbox."""
        if not self._alive:
            self.record = self.record._replace(ready_at=self._lease(0.0)[0])
        return self._write(self.record._replace(start_token="", prepared_by=0.0))

    def release(self, *, keep_token: bool) -> None:
        """Give the task back. Without its token the next attempt starts another sandbox."""
        record = self._visible()._replace(prepared_by=0.0)
        try:
            self._write(record if keep_token else record._replace(start_token=""))
        except (RecordChangedError, CallError):
            return  # somebody has taken over, or will when the lease ends
