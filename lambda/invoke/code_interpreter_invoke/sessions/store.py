"""Session records: the sandbox of each session's name, agreed by all instances of the function.

A record is an object in the workspace bucket, outside the prefix of any session's files. It is only
ever written on the condition that nobody else has written it since it was read.

A session is in one of four states (`SessionState`):

    ABSENT --lease--> STARTING --publish--> READY --lease--> LOADING --publish--> READY
      ^                  |                    |                 |
      +------stop--------+--------------------+-----------------+
      |                  |                    |                 |
      +--lease expires---+                    |                 |
      +--sandbox gone or expired, or code interpreter replaced--+

The sweeper stops the sandbox of a session that is READY and idle, as `sweeper.py` says.

A request that takes over after a lease has expired uses the same client token, so that the service
returns the same sandbox. A sandbox that starts after another one has ended is a replacement.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, NamedTuple

from ..clients import Bucket, PreconditionFailedError

# Later versions may add members; none is ever renamed or removed, since during a deployment the
# old and the new function use the same records.
VERSION = 1

# Options of StartCodeInterpreterSession.
SessionOptions = Mapping[str, Any]


class SessionState(Enum):
    """A session's state; the module's docstring has the drawing."""

    ABSENT = auto()
    STARTING = auto()
    READY = auto()
    LOADING = auto()

    @property
    def has_sandbox(self) -> bool:
        """Whether there is a sandbox that can be used, as far as is known."""
        return self in (SessionState.READY, SessionState.LOADING)


class SessionRecord(NamedTuple):
    """A session's record. Moments are seconds since the epoch."""

    # The code interpreter that the sandbox belongs to. Another one has replaced it if it differs.
    code_interpreter_id: str = ""
    # The service's id of the sandbox; empty while there is none.
    session_id: str = ""
    # Makes every attempt to start a sandbox the same attempt.
    client_token: str = ""
    ready_at: float = 0.0
    expires_at: float = 0.0
    # An earlier sandbox of the session has ended, and its state is lost.
    is_replacement: bool = False
    # For this sandbox and those that replace it.
    options: SessionOptions = MappingProxyType({})
    # The command that prepares each sandbox, and the environment variables of its programs.
    setup: str = ""
    environment: Mapping[str, str] = MappingProxyType({})
    # The ETag of each upload that the sandbox has, by its path.
    uploads: Mapping[str, str] = MappingProxyType({})
    # The names in the working directory before anybody used the sandbox.
    initial_entries: tuple[str, ...] = ()
    # The mark of the observer in the sandbox's kernel; empty if the output of the kernel's hooks
    # does not come back, None if that was not tried.
    observer: str | None = None
    # Until this moment one request has the right to prepare the sandbox; 0 when none has.
    lease_expires_at: float = 0.0
    # The ETag of each upload that was removed in a sandbox, by its path. Replacements lack it until
    # the user supplies another version.
    removed_uploads: Mapping[str, str] = MappingProxyType({})
    # The moment at which the user had supplied each of them, by its path. The same bytes, supplied
    # later, are another version.
    removed_supplied_at: Mapping[str, float] = MappingProxyType({})
    # The seconds without use after which the sweeper may stop the sandbox; 0 if it must not.
    idle_limit: float = 0.0
    # Written once in each quarter of the limit, while requests use the sandbox.
    last_used_at: float = 0.0
    # The ids of the commands that were started in the background and are not known to have ended.
    tasks: tuple[str, ...] = ()
    # When the sweeper took the session's last sandbox away, or the one before the present one.
    swept_at: float = 0.0

    @property
    def was_swept(self) -> bool:
        """Whether the sweeper took the sandbox away, and none has been started since."""
        return self.swept_at > 0 and not self.expires_at

    def replacement(self, **members: Any) -> SessionRecord:
        """Return the record of the sandbox that will replace this one: the session's settings.

        :param members: Further members.
        """
        return SessionRecord(
            options=self.options,
            setup=self.setup,
            environment=self.environment,
            observer="" if self.observer == "" else None,
            removed_uploads=self.removed_uploads,
            removed_supplied_at=self.removed_supplied_at,
            swept_at=self.swept_at if self.was_swept else 0.0,
            **members,
        )

    def state(self, code_interpreter_id: str, gone_id: str, now: float) -> SessionState:
        """Return the session's state.

        :param code_interpreter_id: The id of the present code interpreter.
        :param gone_id: The id of a sandbox that is known to have ended, or an empty text.
        """
        is_leased = self.lease_expires_at > now
        has_sandbox = (
            self.session_id not in ("", gone_id)
            and self.code_interpreter_id == code_interpreter_id
            and self.expires_at > now
        )
        if has_sandbox:
            return SessionState.LOADING if is_leased else SessionState.READY
        return SessionState.STARTING if is_leased else SessionState.ABSENT


class StoredRecord(NamedTuple):
    """A record as it was read or written. The ETag is None for one that does not exist yet."""

    record: SessionRecord
    etag: str | None


class RecordChangedError(Exception):
    """Another request wrote the record first; `stored` is what it wrote."""

    def __init__(self, stored: StoredRecord) -> None:
        super().__init__("the record was changed by another request")
        self.stored = stored


class SessionStore:
    """The session records in the workspace bucket."""

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        """Take the bucket and the prefix of the records' keys, which ends with a slash."""
        self._bucket = bucket
        self._prefix = prefix

    def read(self, session: str) -> StoredRecord:
        return self._read(session)[0]

    def write(self, session: str, record: SessionRecord, etag: str | None) -> StoredRecord:
        """Write a record if the stored one still has `etag`; None: if there is none.

        Each write has an id of its own: after a lost response, the repeated request fails on the
        record that it has itself written.

        :raises RecordChangedError: if another request has written the record.
        """
        write_id = str(uuid.uuid4())
        try:
            written_etag = self._bucket.put(
                self._key(session),
                to_json(record, write_id),
                content_type="application/json",
                if_match=etag,
                if_absent=etag is None,
            )
        except PreconditionFailedError:
            stored, stored_id = self._read(session)
            if stored_id != write_id:
                raise RecordChangedError(stored) from None
            return stored
        return StoredRecord(record, written_etag)

    def last_writes(self) -> Iterator[tuple[float, str, str]]:
        """Yield when each record was last written, the name of its session, and its ETag."""
        for found in self._bucket.list_all(self._prefix, delimiter="/"):
            name = found.key.removeprefix(self._prefix).removesuffix(".json")
            yield found.last_modified.timestamp(), name, found.etag

    def _read(self, session: str) -> tuple[StoredRecord, str]:
        found = self._bucket.get(self._key(session))
        if found is None:
            return StoredRecord(SessionRecord(), None), ""
        record, write_id = from_json(found.body)
        return StoredRecord(record, found.etag), write_id

    def _key(self, session: str) -> str:
        return f"{self._prefix}{session}.json"


def to_json(record: SessionRecord, write_id: str) -> bytes:
    """Return the persisted form of a record."""
    members = {"version": VERSION, "write_id": write_id, **record._asdict()}
    return json.dumps(members, default=dict).encode()


def from_json(body: bytes) -> tuple[SessionRecord, str]:
    """Return a persisted record and its write id; members that are not known are left out."""
    members = json.loads(body)
    write_id = members["write_id"]
    known = {name: value for name, value in members.items() if name in SessionRecord._fields}
    return SessionRecord(**known), write_id
