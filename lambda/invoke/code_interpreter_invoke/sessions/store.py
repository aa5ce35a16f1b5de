"""Session records: which sandbox belongs to a session's name, agreed by all function instances.

A record is an object in the workspace bucket, outside the prefix of any session's files, and is
only ever written on the condition that nobody else wrote it meanwhile.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..clients import Bucket, PreconditionFailedError


class Record(NamedTuple):
    """The state of a session. Moments are seconds since the epoch."""

    # The service's id of the sandbox; empty while there is none.
    session_id: str = ""
    # Makes every attempt to start a sandbox the same attempt.
    start_token: str = ""
    ready_at: float = 0.0
    expires_at: float = 0.0
    # An earlier sandbox of the session has ended and its state is lost.
    replaces: bool = False
    # What StartCodeInterpreterSession is given, for this sandbox and those that replace it.
    options: Mapping[str, Any] = MappingProxyType({})
    # The ETag of each upload the sandbox has, by its path.
    uploads: Mapping[str, str] = MappingProxyType({})
    # What was in the working directory before anybody used it.
    own_entries: tuple[str, ...] = ()
    # Until when one caller has the task of preparing the sandbox; 0 when nobody has.
    prepared_by: float = 0.0


class Stored(NamedTuple):
    """A record as read or written. The ETag is None for one that does not exist yet."""

    record: Record
    etag: str | None


class RecordChangedError(Exception):
    """Another caller wrote the record first; `stored` is what it wrote."""

    def __init__(self, stored: Stored) -> None:
        super().__init__("the record was changed by another caller")
        self.stored = stored


class Records:
    """The records in the bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def read(self, session: str) -> Stored:
        return self._read(session)[0]

    def write(self, session: str, record: Record, etag: str | None) -> Stored:
        """Write on the condition that the record still is the one with `etag` (None: absent).

        Raises `RecordChangedError` when it is not. Each write carries a token of its own: after a
        lost answer the repeated request fails on the record it has itself written.
        """
        token = str(uuid.uuid4())
        body = json.dumps({"token": token, **record._asdict()}, default=dict).encode()
        try:
            written = self._bucket.put(
                key(session),
                body,
                content_type="application/json",
                if_match=etag,
                if_absent=etag is None,
            )
        except PreconditionFailedError:
            stored, owner = self._read(session)
            if owner != token:
                raise RecordChangedError(stored) from None
            return stored
        return Stored(record, written)

    def _read(self, session: str) -> tuple[Stored, str]:
        found = self._bucket.get(key(session))
        if found is None:
            return Stored(Record(), None), ""
        fields = json.loads(found.body)
        token = fields.pop("token")
        # A newer version of this function may have written members that this one does not know.
        known = {name: value for name, value in fields.items() if name in Record._fields}
        return Stored(Record(**known), found.etag), token


def key(session: str) -> str:
    return f"sessions/{session}.json"
