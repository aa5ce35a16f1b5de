"""The warm spare: a started and prepared sandbox for the next session that needs one.

Its record is that of a session, under a key that no session has; the upkeep alone writes it. A
*claim* says which session a spare belongs to. It is an object named after the sandbox, and written
if there is none, so that each spare has one owner at most: a session, or the upkeep, which retires
it. Nothing of a user's is in a spare: the session's uploads are loaded after the claim.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import NamedTuple

from ..clients import Bucket, CodeInterpreterClient, PreconditionFailedError
from ..deadline import Deadline
from ..errors import InvalidRequestError, NotFoundError, RequestError, SandboxGoneError
from .lease import PreparationLease
from .preparation import prepare_sandbox, start_sandbox
from .store import (
    RecordChangedError,
    SessionOptions,
    SessionRecord,
    SessionState,
    SessionStore,
    StoredRecord,
)

# The spare's name for the service, which cannot be changed when the spare gets an owner.
NAME = "warm-spare"
# The key of the spare's record. The service's ids, which name the claims, are longer.
RECORD = "next"
# A spare is given away as long as this part of its life is left.
FRESH_PART = 0.75
# Seconds between two runs of the upkeep, and some more.
UPKEEP_SECONDS = 70.0
# Later versions may add members; none is ever renamed or removed.
VERSION = 1


class Claim(NamedTuple):
    """The owner of a spare: a session, or the upkeep, which has no session's name.

    `claim_id` tells attempts apart: after a lost response, the repeated request finds its own.
    """

    session: str
    claim_id: str

    def to_json(self) -> bytes:
        """Return the persisted form."""
        return json.dumps({"version": VERSION, **self._asdict()}).encode()

    @classmethod
    def from_json(cls, body: bytes) -> Claim:
        """Return a persisted claim; members that are not known are left out."""
        members = json.loads(body)
        return cls(**{name: value for name, value in members.items() if name in cls._fields})


class Spare:
    """The spare of one code interpreter, as one request sees it."""

    def __init__(
        self,
        bucket: Bucket,
        records_prefix: str,
        code_interpreter: CodeInterpreterClient,
        options: SessionOptions,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the parts.

        :param records_prefix: The prefix of the records' keys, which ends with a slash.
        :param options: The options of sessions for which no others are asked.
        """
        self._prefix = f"{records_prefix}spares/"
        self._bucket = bucket
        self._store = SessionStore(bucket, self._prefix)
        self._sessions = SessionStore(bucket, records_prefix)
        self._code_interpreter = code_interpreter
        self._options = options
        self._now = now

    def claim(
        self, session: str, claim_id: str, needed_until: float, *, is_first: bool = True
    ) -> SessionRecord | None:
        """Make the spare the session's, and return its record; None if the session needs another.

        :param claim_id: The same for each attempt to prepare the session's sandbox.
        :param needed_until: The moment until which the request needs the sandbox.
        :param is_first: Whether it is the first attempt. A later one takes no other spare: the
            first may have started a sandbox, which would be forgotten.
        :raises RequestError: if it is not known whether the spare is the session's. A sandbox that
            was started instead would be forgotten by a later attempt that finds the claim.
        """
        record = self._store.read(RECORD).record
        if not self._is_fresh(record, self._now()) or record.expires_at < needed_until:
            return None
        claim = Claim(session, claim_id)
        if is_first:
            return record if self._write_claim(record.session_id, claim) else None
        return record if self._claim_on(record.session_id) == claim else None

    def session_name(self, session_id: str, name: str) -> str:
        """Return the name of a sandbox's session, which has another name if it was the spare.

        :param name: The name with which the sandbox was started.
        """
        if name != NAME:
            return name
        claim = self._claim_on(session_id)
        return (claim.session if claim else "") or name

    def _claim_on(self, session_id: str) -> Claim | None:
        found = self._bucket.get(self._claim_key(session_id))
        return Claim.from_json(found.body) if found else None

    def replenish(self, deadline: Deadline) -> str:
        """Let there be a spare that stays fresh until the next run, and say what was done.

        :raises RequestError: if none can be started.
        """
        stored = self._store.read(RECORD)
        record = stored.record
        if record.lease_expires_at > self._now():
            return "another run prepares it"
        if record.session_id:
            claim = self._claim_on(record.session_id)
            is_fresh = self._is_fresh(record, self._now() + UPKEEP_SECONDS)
            if claim is None and is_fresh and self._is_alive(record):
                return "kept"
            owner = self._owner(claim or self._retire(record))
            if owner.session_id == "" and owner.lease_expires_at > self._now():
                return "a session takes it"
            if owner.session_id != record.session_id:
                self._stop(record)  # it was retired, or the request that claimed it was cut off
        try:
            self._start(stored, deadline)
        except RecordChangedError:
            return "another run prepares it"
        return "started"

    def _is_alive(self, record: SessionRecord) -> bool:
        """Ask the service, which also notices that another stack has replaced the interpreter."""
        try:
            described = self._code_interpreter.get_session(record.session_id)
        except NotFoundError:
            return False
        return described.get("status") != "TERMINATED"

    def _retire(self, record: SessionRecord) -> Claim:
        """Claim a spare for the upkeep, unless a session is first; return the claim that counts."""
        claim = Claim("", str(uuid.uuid4()))
        if self._write_claim(record.session_id, claim):
            return claim
        return self._claim_on(record.session_id) or claim

    def _owner(self, claim: Claim) -> SessionRecord:
        """Return the record of the session that has claimed a spare."""
        return self._sessions.read(claim.session).record if claim.session else SessionRecord()

    def _stop(self, record: SessionRecord) -> None:
        if record.code_interpreter_id == self._code_interpreter.identifier:
            self._code_interpreter.stop_session(record.session_id)

    def _start(self, stored: StoredRecord, deadline: Deadline) -> None:
        """Start and prepare a spare, and publish its record.

        :raises RecordChangedError: if another run does so.
        """
        earlier = stored.record
        interpreter_id = self._code_interpreter.identifier
        is_interrupted = not earlier.session_id and earlier.code_interpreter_id == interpreter_id
        token = earlier.client_token if is_interrupted else ""
        lease = PreparationLease(
            RECORD,
            self._store,
            stored.etag,
            SessionRecord(
                code_interpreter_id=interpreter_id, client_token=token or str(uuid.uuid4())
            ),
            deadline=deadline,
            now=self._now,
        )
        try:
            lease.record = start_sandbox(lease.record, self._code_interpreter, NAME, self._options)
            lease.record = prepare_sandbox(lease.record, self._code_interpreter)
            lease.publish()
        except RequestError as error:
            # Keep the token to find a sandbox that may exist.
            is_gone = isinstance(error, InvalidRequestError | NotFoundError | SandboxGoneError)
            lease.release(keep_token=not is_gone)
            raise

    def _is_fresh(self, record: SessionRecord, now: float) -> bool:
        life = self._options["sessionTimeoutSeconds"]
        return (
            record.state(self._code_interpreter.identifier, "", now) is SessionState.READY
            and record.options == self._options
            and record.expires_at - now >= life * FRESH_PART
        )

    def _write_claim(self, session_id: str, claim: Claim) -> bool:
        """Write the claim, and tell whether it is the first."""
        key = self._claim_key(session_id)
        try:
            self._bucket.put(key, claim.to_json(), content_type="application/json", if_absent=True)
        except PreconditionFailedError:
            return self._claim_on(session_id) == claim
        return True

    def _claim_key(self, session_id: str) -> str:
        return f"{self._prefix}{session_id}.json"
