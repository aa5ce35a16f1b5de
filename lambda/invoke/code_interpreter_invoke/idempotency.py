"""One response for each idempotency key.

The key's record is written before anything runs, so that the same key never runs code again,
whatever happens afterwards: a repeated request gets the recorded response, or learns that the
outcome is not known.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from .clients import Bucket, PreconditionFailedError
from .deadline import Deadline
from .errors import InvalidRequestError, OutcomeUnknownError, RequestError
from .requests.request import Request
from .sandbox.observer import Program

if TYPE_CHECKING:
    from .responses import Response

# Later versions may add members; none is ever renamed or removed: a renamed one runs a program
# twice.
VERSION = 1

# Seconds between two looks at the record of a request that still runs.
FIRST_PAUSE = 0.1
MAX_PAUSE = 1.0
# Seconds that are left for the response after waiting for another request.
MIN_TIME_LEFT = 5.0


class RecordStatus(StrEnum):
    """The state of the request that has a key."""

    NOT_STARTED = "not_started"  # nothing ran, so that a repeated request may run
    RUNNING = "running"
    DONE = "done"


class IdempotencyRecord(NamedTuple):
    """The persisted record of a key."""

    # Tells requests apart.
    fingerprint: str
    # Tells the requests with the same key apart.
    owner: str
    status: RecordStatus
    # When a running request must have ended, in seconds since the epoch.
    ends_at: float = 0.0
    response: Response | None = None
    # Whether the request runs a program in Python, which can be interrupted.
    is_program: bool = False

    def to_json(self) -> bytes:
        """Return the persisted form."""
        return json.dumps({"version": VERSION, **self._asdict()}).encode()

    @classmethod
    def from_json(cls, body: bytes) -> IdempotencyRecord:
        """Return a persisted record; members that are not known are left out."""
        members = json.loads(body)
        members["status"] = RecordStatus(members["status"])
        return cls(**{name: value for name, value in members.items() if name in cls._fields})


class IdempotencyKey:
    """An idempotency key, as one of the requests that have it sees it."""

    def __init__(
        self,
        request: Request,
        bucket: Bucket,
        records_prefix: str,
        deadline: Deadline,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the parts.

        :param records_prefix: The prefix of the records' keys, which ends with a slash.
        """
        self._object_key = records_prefix + object_name(request.session, request.idempotency_key)
        self._fingerprint = fingerprint(request)
        self._owner = request.id
        self._is_program = is_program(request)
        self._etag: str | None = None
        self._bucket = bucket
        self._deadline = deadline
        self._now = now
        self._sleep = sleep

    def recorded_response(self) -> Response | None:
        """Return the recorded response, or None if this request is the one that may run.

        :raises InvalidRequestError: if another request has the key.
        :raises OutcomeUnknownError: if the first request with the key runs, or ended without a
            response.
        """
        pause = FIRST_PAUSE
        while True:
            record = self._read()
            is_free = record is None or record.status is RecordStatus.NOT_STARTED
            if record is not None and not is_free and record.fingerprint != self._fingerprint:
                raise InvalidRequestError(
                    "idempotency_key belongs to an earlier request that was different; use a "
                    "new key"
                )
            if record is not None and record.owner == self._owner:
                return None  # written by this request, and the response of S3 was lost
            match record:
                case IdempotencyRecord(status=RecordStatus.DONE, response=response) if response:
                    return {**response, "replayed": True}
                case IdempotencyRecord(status=RecordStatus.RUNNING):
                    self._wait(record.ends_at, pause)
                    pause = min(pause * 2, MAX_PAUSE)
                case _:
                    try:
                        ends_at = self._now() + self._deadline.remaining()
                        self._write(RecordStatus.RUNNING, ends_at=ends_at)
                    except PreconditionFailedError:
                        continue
                    return None

    def record(self, response: Response) -> Response:
        """Record the response of the request that ran, and return it.

        A request of which nothing ran leaves the key to a repeated one; every other outcome is
        final.
        """
        error_type = response["error"]["type"] if "error" in response else ""
        try:
            if error_type in ("NotStarted", "InvalidRequest"):
                is_recorded = self._write_end(RecordStatus.NOT_STARTED)
            else:
                is_recorded = self._write_end(RecordStatus.DONE, response)
        except RequestError:
            is_recorded = False
        if is_recorded:
            return response
        warning = "the response was not recorded: a repeated request will not learn the outcome"
        return {**response, "warnings": [*response.get("warnings", ()), warning]}

    def _write_end(self, status: RecordStatus, response: Response | None = None) -> bool:
        """Write the record of a request that has ended, and return whether it is there."""
        try:
            self._write(status, response=response)
        except PreconditionFailedError:
            # No other request writes the record of one that runs: it was written, and the response
            # of S3 was lost, or S3 returned nothing but conflicts.
            record = self._read()
            return record is not None and record.status is not RecordStatus.RUNNING
        return True

    def _read(self) -> IdempotencyRecord | None:
        found = self._bucket.get(self._object_key)
        self._etag = found.etag if found else None
        return IdempotencyRecord.from_json(found.body) if found else None

    def _write(
        self, status: RecordStatus, *, ends_at: float = 0.0, response: Response | None = None
    ) -> None:
        record = IdempotencyRecord(
            self._fingerprint, self._owner, status, ends_at, response, self._is_program
        )
        self._etag = self._bucket.put(
            self._object_key,
            record.to_json(),
            content_type="application/json",
            if_match=self._etag,
            if_absent=self._etag is None,
        )

    def _wait(self, ends_at: float, pause: float) -> None:
        """Wait for the request that runs, as long as it can still end."""
        if self._now() > ends_at:
            raise OutcomeUnknownError(
                "the first request with this idempotency_key ended without recording a response; "
                "the code may have run"
            )
        if self._deadline.remaining() < pause + MIN_TIME_LEFT:
            raise OutcomeUnknownError(
                "the first request with this idempotency_key is still running; repeat it with the "
                "same key",
                retryable=True,
            )
        self._sleep(pause)


def find_program(
    session: str | None, key: str, bucket: Bucket, records_prefix: str
) -> Program | None:
    """Return the program of the request that has a key, or None if there is no such request.

    :raises InvalidRequestError: if it runs something other than a program in Python.
    """
    found = bucket.get(records_prefix + object_name(session, key))
    record = IdempotencyRecord.from_json(found.body) if found else None
    if record is None or record.status is RecordStatus.NOT_STARTED:
        return None
    is_running = record.status is RecordStatus.RUNNING
    if is_running and not record.is_program:
        raise InvalidRequestError(
            "the request with this idempotency_key runs no program in Python, and only such a "
            "program can be interrupted or its output be read while it runs; stop_session ends "
            "everything in the session"
        )
    return Program(record.owner, is_running)


def is_program(request: Request) -> bool:
    language = request.arguments.get("language")
    return request.tool.name == "execute_code" and language in (None, "python")


def object_name(session: str | None, key: str | None) -> str:
    """Return the name of a key's record, in a folder beside the session records."""
    named = json.dumps([session, key])
    return f"responses/{hashlib.sha256(named.encode()).hexdigest()}.json"


def fingerprint(request: Request) -> str:
    """Return a digest that tells requests apart and does not hold what they ask for.

    Arguments that were left out do not count, so that a later version can add some.
    """
    arguments = {name: value for name, value in request.arguments.items() if value is not None}
    asked = json.dumps([request.tool.name, arguments], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()
