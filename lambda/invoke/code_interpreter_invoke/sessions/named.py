"""One logical session name, one sandbox, from any number of concurrent function instances."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from ..clients import CodeInterpreterClient
from ..deadline import Deadline
from ..errors import (
    CallError,
    InvalidRequestError,
    NotFoundError,
    NotStartedError,
    SessionGoneError,
)
from ..files import uploads
from ..files.workspace import Upload, Workspace
from ..sandbox.sandbox import Sandbox
from .lease import LEASE, Claim
from .store import Record, RecordChangedError, Records, Stored

# Between two looks at a sandbox that another caller prepares.
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
# Bounds what an execution environment that serves many sessions remembers.
CACHED_RECORDS = 100
# What a call needs at least, after waiting, to do its own work.
LEAST_TIME = 15.0


class Session:
    """The sandbox of one session's name: found, started, prepared and replaced.

    The record in the bucket decides. `cache` (kept between calls) only saves reading it: an old
    copy does no harm, because a sandbox that was replaced no longer answers, and an upload it does
    not list is looked up in the record before it is loaded.
    """

    def __init__(
        self,
        name: str,
        *,
        records: Records,
        interpreter: CodeInterpreterClient,
        workspace: Workspace,
        deadline: Deadline,
        options: Mapping[str, Any],
        cache: MutableMapping[str, Stored],
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`options` are what sessions are started with unless others are asked for."""
        self.name = name
        self._records = records
        self._interpreter = interpreter
        self._workspace = workspace
        self._deadline = deadline
        self._options = options
        self._cache = cache
        self._now = now
        self._sleep = sleep
        self._began = now()
        self.restarted = False
        self.warnings: list[str] = []

    def ready(self, gone: str = "") -> Record:
        """The record of a sandbox that runs and has all uploads; `gone` is one that has ended."""
        supplied = list(self._workspace.uploads())
        stored = self._cache.get(self.name)
        if stored is None or not self._usable(stored.record, supplied, gone):
            stored = self._records.read(self.name)
        pause = FIRST_PAUSE
        while not self._usable(stored.record, supplied, gone):
            if stored.record.prepared_by > self._now():
                self._wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                stored = self._records.read(self.name)
                continue
            try:
                stored = self._prepare(stored, supplied, gone)
                break
            except RecordChangedError as changed:
                stored = changed.stored
        record = stored.record
        # An earlier replacement has been told to the caller that met it.
        self.restarted = self.restarted or (record.replaces and record.ready_at >= self._began)
        if len(self._cache) >= CACHED_RECORDS:
            self._cache.clear()
        self._cache[self.name] = stored
        return record

    def start(self, options: Mapping[str, Any]) -> Record:
        """Start the sandbox with options of its own, which those that replace it have, too.

        Refused when there is a sandbox with other options: it cannot be given them any more.
        """
        stored = self._records.read(self.name)
        if self._alive(stored.record, "") or stored.record.prepared_by > self._now():
            if options and {**self._options, **options} != stored.record.options:
                raise InvalidRequestError(
                    f"session {self.name} already has a sandbox with other options; stop it first"
                )
        elif options:
            asked = {**self._options, **options}
            wanted = stored.record._replace(options=asked, start_token="")
            try:
                self._records.write(self.name, wanted, stored.etag)
            except RecordChangedError:
                return self.start(options)
        return self.ready()

    def current(self) -> Record:
        """The record as it is."""
        return self._records.read(self.name).record

    def discard(self, session_id: str, *, replaces: bool) -> None:
        """Stop a sandbox and forget it. `replaces` makes the next one count as its replacement."""
        self._interpreter.stop_session(session_id)
        self._cache.pop(self.name, None)
        stored = self._records.read(self.name)
        if stored.record.session_id != session_id:
            return
        kept = Record(replaces=True, options=stored.record.options) if replaces else Record()
        try:
            self._records.write(self.name, kept, stored.etag)
        except RecordChangedError:
            return  # another caller has found it gone already and replaces it

    def _alive(self, record: Record, gone: str) -> bool:
        return record.session_id not in ("", gone) and record.expires_at > self._now()

    def _usable(self, record: Record, supplied: list[Upload], gone: str) -> bool:
        return self._alive(record, gone) and not uploads.missing(record, supplied)

    def _wait(self, seconds: float) -> None:
        if self._deadline.remaining() < seconds + LEAST_TIME:
            raise NotStartedError(f"another call is still preparing session {self.name}")
        self._sleep(seconds)

    def _prepare(self, stored: Stored, supplied: list[Upload], gone: str) -> Stored:
        """Take the task of preparing the sandbox, do it, and publish the outcome."""
        record = stored.record
        alive = self._alive(record, gone)
        claim = Claim(self.name, self._records, stored, alive=alive, lease=self._lease)
        try:
            if not alive and record.session_id not in ("", gone):
                self._interpreter.stop_session(record.session_id)
            try:
                if not alive:
                    self._start(claim)
                self._load(claim, supplied)
            except SessionGoneError:
                claim.begin_again()
                self._start(claim)
                self._load(claim, supplied)
            return claim.publish()
        except RecordChangedError as changed:
            other = changed.stored.record
            if claim.started and not claim.shares_sandbox_with(other):
                self._interpreter.stop_session(claim.record.session_id)
            raise
        except NotFoundError:
            claim.release(keep_token=False)
            raise
        except CallError as failure:
            # After a refusal the next attempt begins anew; otherwise it may have been started.
            refused = isinstance(failure, InvalidRequestError)
            claim.release(keep_token=not refused)
            raise NotStartedError(
                f"session {self.name} could not be prepared: {failure.message}",
                retryable=not refused and (failure.retryable or failure.type != "NotStarted"),
            ) from failure

    def _start(self, claim: Claim) -> None:
        options = claim.record.options or self._options
        started = self._interpreter.start_session(
            client_token=claim.record.start_token, name=self.name, **options
        )
        sandbox = Sandbox(self._interpreter, started.session_id)
        claim.record = claim.record._replace(
            session_id=started.session_id,
            expires_at=started.created_at.timestamp() + options["sessionTimeoutSeconds"],
            options=options,
            own_entries=tuple(sandbox.root_entries()),
        )

    def _load(self, claim: Claim, supplied: list[Upload]) -> None:
        sandbox = Sandbox(self._interpreter, claim.record.session_id)
        pending = uploads.missing(claim.record, supplied)
        for batch in uploads.load(sandbox, self._workspace, pending, claim.renew):
            loaded = {upload.path: upload.etag for upload in batch.uploads}
            claim.record = claim.record._replace(uploads={**claim.record.uploads, **loaded})
            self.warnings += batch.warnings

    def _lease(self, work: float) -> tuple[float, float]:
        """The present moment, and until when a task taken now is held for `work` seconds.

        The function ends at its deadline at the latest, and whatever it was doing with it.
        """
        now = self._now()
        return now, now + min(LEASE + work, max(self._deadline.remaining(), 1.0))
