"""The sweeper: stops the sandboxes of sessions that are idle.

It marks the session's record, if nobody has written it since it was read, and then stops the
sandbox. A request that meets the mark starts another one. A record with the mark and the id is that
of a sweep that was cut off: the next request, or a later sweep, stops the sandbox.
"""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import NamedTuple

from ..clients import CodeInterpreterClient
from ..deadline import Deadline
from ..errors import RequestError, SandboxGoneError
from ..sandbox.sandbox import Sandbox
from .idle import idle_from
from .store import RecordChangedError, SessionRecord, SessionState, SessionStore, StoredRecord

# The longest life of a sandbox (the service's quotas).
LONGEST_SESSION = 28_800.0
# Seconds for one look at a task.
TASK_SECONDS = 10.0
RUNNING = ("submitted", "working")

# By session: the ETag of a record that a sweep has read, and the moment from which it is idle.
SweepCache = MutableMapping[str, tuple[str, float]]


class Swept(NamedTuple):
    """Counts of stopped sandboxes, and of sessions with a failure."""

    stopped: int
    failed: int


class Sweeper:
    """Sweeps the sessions of one code interpreter."""

    def __init__(
        self,
        store: SessionStore,
        code_interpreter: CodeInterpreterClient,
        deadline: Deadline,
        cache: SweepCache,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the parts.

        :param cache: Kept between sweeps, so that a record is read again only if it was written
            since or is idle by now.
        """
        self._store = store
        self._code_interpreter = code_interpreter
        self._deadline = deadline
        self._cache = cache
        self._now = now

    def sweep(self, idle_limit: float) -> Swept:
        """Stop the sandbox of each session that is idle by its own limit, and return the counts.

        :param idle_limit: A record that was written within so many seconds is not read.
        :raises RequestError: if the records cannot be listed.
        """
        stopped = failed = 0
        # The latest first: ended ones can wait.
        earlier = dict(self._cache)
        self._cache.clear()
        for written_at, session, etag in sorted(self._store.last_writes(), reverse=True):
            if not idle_limit <= self._now() - written_at <= LONGEST_SESSION + idle_limit:
                continue
            read_etag, idle_at = earlier.get(session, ("", 0.0))
            if read_etag == etag and idle_at >= self._now():
                self._cache[session] = etag, idle_at
                continue
            if self._deadline.remaining() < self._deadline.response_reserve:
                break
            try:
                stopped += self._sweep(session, etag)
            except RecordChangedError:
                continue  # a request uses it
            except (RequestError, ValueError):  # or the record is none
                failed += 1
        return Swept(stopped, failed)

    def _sweep(self, session: str, listed: str) -> bool:
        """Stop a session's sandbox if it is idle, and tell whether that was so.

        :raises RecordChangedError: if a request uses the session.
        """
        stored = self._store.read(session)
        record = stored.record
        if record.was_swept and record.session_id:
            return self._stop(session, stored)
        now = self._now()
        idle_at = idle_from(record)
        self._cache[session] = listed, idle_at
        is_ready = record.state(self._code_interpreter.identifier, "", now) is SessionState.READY
        if not is_ready or now <= idle_at:
            return False
        running = tuple(task for task in record.tasks if self._is_running(record, task))
        if running:
            used = record._replace(last_used_at=now, tasks=running)
            self._store.write(session, used, stored.etag)
            return False
        marked = record._replace(expires_at=0.0, swept_at=now)
        return self._stop(session, self._store.write(session, marked, stored.etag))

    def _stop(self, session: str, marked: StoredRecord) -> bool:
        self._code_interpreter.stop_session(marked.record.session_id)
        forgotten = marked.record.replacement(is_replacement=True)
        with suppress(RecordChangedError):  # a request met it
            self._store.write(session, forgotten, marked.etag)
        return True

    def _is_running(self, record: SessionRecord, task: str) -> bool:
        sandbox = Sandbox(self._code_interpreter, record.session_id)
        try:
            result = sandbox.invoke(
                "getTask", {"taskId": task}, timeout=TASK_SECONDS, repeatable=True
            )
        except SandboxGoneError:
            return False
        return result.structured.get("taskStatus") in RUNNING
