"""The right to prepare a session's sandbox: one request has it, or another one if that is lost."""

from __future__ import annotations

from collections.abc import Callable

from ..deadline import Deadline
from ..errors import RequestError
from .store import RecordChangedError, SessionRecord, SessionStore, StoredRecord

# Seconds after which another request may take over. Longer than any single request to the service
# during the preparation; transfers extend it.
LEASE_SECONDS = 150.0
# The slowest transfer that is not taken for a crash, in bytes per second.
SLOWEST_TRANSFER = 5_000_000


class PreparationLease:
    """The lease of one request, with the record that it prepares.

    Until the lease is published, the record of a new sandbox holds only the client token. A request
    that takes over reuses the token, so the service returns the same sandbox.
    """

    def __init__(
        self,
        session: str,
        store: SessionStore,
        etag: str | None,
        record: SessionRecord,
        *,
        deadline: Deadline,
        now: Callable[[], float],
    ) -> None:
        """Acquire the lease.

        :param record: The record of a sandbox that needs uploads, or of one that is to be started.
        :raises RecordChangedError: if another request has written the record since.
        """
        self._session = session
        self._store = store
        self._etag = etag
        self._deadline = deadline
        self._now = now
        self._prepare(record)

    def _prepare(self, record: SessionRecord) -> None:
        self.record = record
        self._unstarted = None if record.session_id else record
        self._acquire(0.0)

    @property
    def is_for_start(self) -> bool:
        """Whether the lease is for a sandbox that is to be started."""
        return self._unstarted is not None

    @property
    def has_started(self) -> bool:
        """Whether the sandbox was started under this lease."""
        return self.is_for_start and self.record.session_id != ""

    def is_for_same_sandbox(self, record: SessionRecord) -> bool:
        return (
            record.session_id == self.record.session_id
            or record.client_token == self.record.client_token
        )

    def prepare_another(self, record: SessionRecord) -> None:
        """Go on with a sandbox that is to be started, because the present one has ended.

        :raises RecordChangedError: if another request has taken over.
        """
        self._prepare(record)

    def extend(self, size: int) -> None:
        """Extend the lease, if need be, for a transfer of `size` bytes.

        :raises RecordChangedError: if another request has taken over.
        """
        transfer = size / SLOWEST_TRANSFER
        tolerance = LEASE_SECONDS / 5
        is_old = self._now() - self._acquired_at > tolerance
        is_short = self._end_of_lease(transfer) - self._expires_at > tolerance
        if is_old or is_short:
            self._acquire(transfer)

    def hold(self, seconds: float) -> None:
        """Extend the lease for work that may take so long.

        :raises RecordChangedError: if another request has taken over.
        """
        self._acquire(seconds)

    def publish(self) -> StoredRecord:
        """Let every request use the sandbox, and end the lease.

        :raises RecordChangedError: if another request has taken over.
        """
        record = self.record
        if self.is_for_start:
            record = record._replace(ready_at=self._now())
        return self._write(record._replace(client_token="", lease_expires_at=0.0))

    def release(self, *, keep_token: bool) -> None:
        """Give the lease up. Without its token the next attempt starts another sandbox."""
        record = self._visible_record()._replace(lease_expires_at=0.0)
        try:
            self._write(record if keep_token else record._replace(client_token=""))
        except (RecordChangedError, RequestError):
            return  # another request has taken over, or will when the lease ends

    def _acquire(self, seconds: float) -> None:
        """Hold the lease while work of so many seconds goes on."""
        self._acquired_at = self._now()
        self._expires_at = self._end_of_lease(seconds)
        self._write(self._visible_record()._replace(lease_expires_at=self._expires_at))

    def _end_of_lease(self, seconds: float) -> float:
        # The function ends at its deadline at the latest, and all its work with it.
        left = max(self._deadline.remaining(), 1.0)
        return self._now() + min(LEASE_SECONDS + seconds, left)

    def _visible_record(self) -> SessionRecord:
        """Return the part of the record that other requests see before it is published."""
        return self.record if self._unstarted is None else self._unstarted

    def _write(self, record: SessionRecord) -> StoredRecord:
        if record.idle_limit:
            # Requests that use the sandbox meanwhile do not write the record.
            record = record._replace(last_used_at=self._now())
        stored = self._store.write(self._session, record, self._etag)
        self._etag = stored.etag
        return stored
