"""A session's name and its sandbox: the same for any number of concurrent function instances."""

from __future__ import annotations

import errno
import os
import posixpath
import time
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..clients import CodeInterpreterClient
from ..deadline import Deadline
from ..errors import (
    InvalidRequestError,
    NotStartedError,
    RequestError,
    SandboxGoneError,
    TimedOutError,
)
from ..files.workspace import StoredFile, Workspace
from ..sandbox.observer import Observer
from ..sandbox.sandbox import Sandbox
from .idle import WRITES_PER_LIMIT, Heartbeat, is_use_due
from .preparation import Preparation
from .store import (
    RecordChangedError,
    SessionOptions,
    SessionRecord,
    SessionState,
    SessionStore,
    StoredRecord,
)
from .uploads import is_below, missing_uploads

if TYPE_CHECKING:
    from ..responses import Response
    from .spare import Spare

# Seconds between two looks at a sandbox that another request prepares.
FIRST_PAUSE = 0.1
MAX_PAUSE = 1.0
# Seconds that a request needs for its own work, after waiting.
MIN_TIME_LEFT = 15.0
# Bounds the memory of an execution environment that serves many sessions.
MAX_CACHED_RECORDS = 100
# The observer in the kernel reports at most so many removed files (`NAMES` in its program).
MAX_REPORTED_NAMES = 1_000
# The problems that an inventory has with a file that is not there.
ABSENT = (os.strerror(errno.ENOENT), os.strerror(errno.ENOTDIR))

RecordCache = MutableMapping[str, StoredRecord]


class NamedSession:
    """The sandbox of one session's name: found, or prepared and replaced.

    The record in the bucket decides. The cache, kept between requests, only saves reading it: an
    old copy does no harm, because a sandbox that was replaced no longer responds, and an upload
    that it does not list is looked up in the record before it is loaded.
    """

    def __init__(
        self,
        name: str,
        *,
        store: SessionStore,
        code_interpreter: CodeInterpreterClient,
        workspace: Workspace,
        deadline: Deadline,
        options: SessionOptions,
        cache: RecordCache,
        timeout: float | None = None,
        idle_limit: float = 0.0,
        spare: Spare | None = None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the parts; nothing is read or started yet.

        :param options: The options of sessions for which no others are asked.
        :param timeout: The time limit that the request asks for, in seconds.
        :param idle_limit: Seconds without use after which the sweeper may stop a sandbox that is
            started now; 0 if it must not.
        :param spare: The warm spare, if there is to be one.
        """
        self.name = name
        self._store = store
        self._code_interpreter = code_interpreter
        self._workspace = workspace
        self._deadline = deadline
        self._options = options
        self._cache = cache
        self._timeout = timeout
        self._now = now
        self._sleep = sleep
        self._preparation = Preparation(
            name,
            store=store,
            code_interpreter=code_interpreter,
            workspace=workspace,
            deadline=deadline,
            options=options,
            idle_limit=idle_limit,
            spare=spare,
            now=now,
        )
        self._began_at = now()
        self._sandbox: Sandbox | None = None
        self._heartbeat: Heartbeat | None = None
        # When each upload was supplied, at the beginning of the request.
        self._supplied_at: dict[str, float] = {}
        self._expires_at: float | None = None
        self._gone_id = ""
        self._was_restarted = False
        self._warnings: list[str] = []

    def sandbox(self) -> Sandbox:
        """Return the sandbox, which runs and has all uploads.

        :raises NotStartedError: if it cannot be prepared, or not in time.
        """
        if self._sandbox is None:
            record = self._ready_record()
            self._expires_at = record.expires_at
            self._sandbox = self._sandbox_of(record)
            if record.idle_limit and self._heartbeat is None:
                self._heartbeat = Heartbeat(self._record_use, record.idle_limit / WRITES_PER_LIMIT)
        return self._sandbox

    def _record_use(self) -> None:
        """Write that the sandbox is in use; if that fails, the next beat comes before the limit."""
        try:
            stored = self._store.read(self.name)
            is_ready = self._state(stored.record) is SessionState.READY
            if is_ready and is_use_due(stored.record, self._now()):
                self._cache[self.name] = self._write_use(stored)
        except (RecordChangedError, RequestError):
            return

    def _write_use(self, stored: StoredRecord) -> StoredRecord:
        used = stored.record._replace(last_used_at=self._now())
        return self._store.write(self.name, used, stored.etag)

    def running_sandbox(self) -> Sandbox | None:
        """Return the sandbox if there is one, which is neither started nor prepared."""
        record = self.record()
        return self._sandbox_of(record) if self._state(record).has_sandbox else None

    def _sandbox_of(self, record: SessionRecord) -> Sandbox:
        return Sandbox(
            self._code_interpreter,
            record.session_id,
            # A file that the user supplied is the user's, whatever its name.
            tuple(name for name in record.initial_entries if name not in record.uploads),
            record.ready_at,
            Observer(record.observer) if record.observer else None,
            record.environment,
        )

    def observed_sandbox(self) -> Sandbox:
        """Return the sandbox; its observer was installed when it was prepared."""
        return self.sandbox()

    def replace_sandbox(self, _gone: SandboxGoneError) -> None:
        """Take note that the sandbox has ended; another one will take its place."""
        self._gone_id = self.sandbox().session_id
        self._sandbox = None
        self._expires_at = None

    def forget_uploads(self, paths: Iterable[str]) -> None:
        """Record that files were removed in the sandbox, so that its replacement lacks them, too.

        Only uploads are recorded. A later version of an upload is loaded again.

        :param paths: Paths of files or folders, relative to the working directory.
        """
        removed = {posixpath.normpath(path) for path in paths}
        try:
            if len(removed) >= MAX_REPORTED_NAMES:
                removed |= self._absent_uploads()
            self._record_removal(removed)
        except RequestError as error:
            self._warnings.append(
                "the removal was not recorded, so that a replacement of the sandbox has removed "
                f"uploads again: {error.message}"
            )

    def stop_after_timeout(self, error: TimedOutError) -> TimedOutError:
        """Stop the sandbox, in which code still runs, and return the error that says so."""
        try:
            self._discard(self.sandbox().session_id, is_replacement=True)
        except RequestError:
            return error
        self._expires_at = None
        return TimedOutError(
            f"{error.message}; the code was still running, so the sandbox was stopped, and its "
            "variables and unsaved files are lost"
        )

    def start(
        self, options: SessionOptions, setup: str | None, environment: Mapping[str, str] | None
    ) -> SessionRecord:
        """Start the sandbox with settings of its own, which its replacements have, too.

        :param setup: A command that prepares the sandbox.
        :param environment: Environment variables for programs and commands.
        :raises InvalidRequestError: if there is a sandbox with other settings, because it cannot be
            given them any more.
        """
        stored = self._read()
        # A cached record may name a sandbox that another instance has stopped. Other tools find
        # that out when they use the sandbox.
        self._cache[self.name] = stored
        if not options and setup is None and environment is None:
            self.sandbox()
            return self._cache[self.name].record
        earlier = stored.record
        wanted = earlier._replace(
            options={**self._options, **options} if options else earlier.options,
            setup=earlier.setup if setup is None else setup,
            environment=earlier.environment if environment is None else environment,
        )
        if self._state(earlier) is SessionState.ABSENT:
            try:
                self._store.write(self.name, wanted._replace(client_token=""), stored.etag)
            except RecordChangedError:
                return self.start(options, setup, environment)
        else:
            self._check_settings(earlier, wanted)
        self.sandbox()
        record = self._cache[self.name].record
        # Another request may have given it other settings at the same moment.
        self._check_settings(record, wanted)
        return record

    def _check_settings(self, record: SessionRecord, wanted: SessionRecord) -> None:
        # A sandbox that is being started may have no options of its own.
        options = record.options or self._options
        if (
            options != (wanted.options or self._options)
            or record.setup != wanted.setup
            or record.environment != wanted.environment
        ):
            raise InvalidRequestError(
                f"session {self.name} already has a sandbox with other settings; stop it first"
            )

    def record(self) -> SessionRecord:
        """Read the session's record."""
        return self._read().record

    def _read(self) -> StoredRecord:
        stored = self._store.read(self.name)
        if stored.record.code_interpreter_id not in ("", self._code_interpreter.identifier):
            # Another instance may have found out first that the code interpreter was replaced.
            self._code_interpreter.look_up_identifier()
        return stored

    def stop(self) -> str:
        """Stop the sandbox; return its id, or an empty text if there is none."""
        session_id = self.record().session_id
        if session_id:
            self._discard(session_id, is_replacement=False)
        return session_id

    def close(self) -> None:
        """Leave the sandbox running for the next request."""
        if self._heartbeat is not None:
            self._heartbeat.stop()

    def describe(self, response: Response) -> Response:
        """Return the response with its members about the session."""
        response = {**response, "session": self.name}
        if self._sandbox is not None:
            response["session_id"] = self._sandbox.session_id
        if self._expires_at is not None:
            response["expires_at"] = iso_time(self._expires_at)
        if self._was_restarted:
            response["session_restarted"] = True
        warnings = [
            *self._preparation.warnings,
            *self._warnings,
            *self._expiry_warnings(),
        ]
        if warnings:
            response["warnings"] = [*warnings, *response.get("warnings", ())]
        return response

    def _expiry_warnings(self) -> list[str]:
        """Warn if the request's time limit reached beyond the life of its sandbox."""
        if self._expires_at is None or self._timeout is None:
            return []
        if self._began_at + self._timeout <= self._expires_at:
            return []
        return [
            f"timeout_seconds is {self._timeout}, but the sandbox ends at "
            f"{iso_time(self._expires_at)}, and what runs in it ends with it; a session can be "
            "started with a longer session_timeout_seconds"
        ]

    def record_task(self, task_id: str) -> None:
        """Record a command that goes on in the background, so that the sweeper looks at it."""

        def add(record: SessionRecord) -> SessionRecord | None:
            return record._replace(tasks=(*record.tasks, task_id)) if record.idle_limit else None

        try:
            self._update(add)
        except RequestError as error:
            self._warnings.append(
                "the task was not recorded, so that its session counts as idle when no other "
                f"request uses it: {error.message}"
            )

    def _record_removal(self, removed: Collection[str]) -> None:
        def remove(record: SessionRecord) -> SessionRecord | None:
            gone = {path: etag for path, etag in record.uploads.items() if is_below(path, removed)}
            if not gone:
                return None
            supplied_at = {path: self._supplied_at.get(path, 0.0) for path in gone}
            return record._replace(
                uploads={path: etag for path, etag in record.uploads.items() if path not in gone},
                removed_uploads={**record.removed_uploads, **gone},
                removed_supplied_at={**record.removed_supplied_at, **supplied_at},
            )

        self._update(remove)

    def _update(self, change: Callable[[SessionRecord], SessionRecord | None]) -> None:
        """Write a change of the present sandbox's record, unless `change` finds none to make."""
        if self._sandbox is None:
            return
        stored = self._cache.get(self.name) or self._read()
        pause = FIRST_PAUSE
        while stored.record.session_id == self._sandbox.session_id:
            updated = change(stored.record)
            if updated is None:
                return
            if self._state(stored.record) is SessionState.LOADING:
                # Only the request with the lease writes the record.
                self._wait(pause)
                pause = min(pause * 2, MAX_PAUSE)
                stored = self._read()
                continue
            try:
                self._cache[self.name] = self._store.write(self.name, updated, stored.etag)
                return
            except RecordChangedError as changed:
                stored = changed.stored

    def _absent_uploads(self) -> set[str]:
        """Return the uploads that the sandbox had and has no more."""
        if self._sandbox is None:
            return set()
        stored = self._cache.get(self.name) or self._read()
        found = self._sandbox.inventory(list(stored.record.uploads))
        return {file.path for file in found if file.problem in ABSENT}

    def _ready_record(self) -> SessionRecord:
        """Return the record of a sandbox that runs and has all uploads."""
        uploads = list(self._workspace.uploads())
        self._supplied_at = {upload.path: upload.supplied_at for upload in uploads}
        stored = self._cache.get(self.name)
        if stored is None or not self._is_usable(stored.record, uploads):
            stored = self._read()
        pause = FIRST_PAUSE
        while True:
            is_leased = self._state(stored.record) in (SessionState.STARTING, SessionState.LOADING)
            try:
                if self._is_usable(stored.record, uploads):
                    if not is_leased and is_use_due(stored.record, self._now()):
                        stored = self._write_use(stored)
                    break
                if not is_leased:
                    stored = self._preparation.prepare(
                        stored,
                        uploads,
                        gone_id=self._gone_id,
                        needed_until=self._began_at + (self._timeout or 0.0),
                    )
                    break
            except RecordChangedError as changed:
                stored = changed.stored
                continue
            self._wait(pause)
            pause = min(pause * 2, MAX_PAUSE)
            stored = self._read()
        self._remember(stored)
        return stored.record

    def _remember(self, stored: StoredRecord) -> None:
        # An earlier replacement has been reported to the request that met it.
        is_new = stored.record.ready_at >= self._began_at
        if stored.record.is_replacement and is_new:
            self._was_restarted = True
            if stored.record.swept_at:
                self._warnings.append(
                    "the session was idle, so its sandbox was stopped at "
                    f"{iso_time(stored.record.swept_at)}; this is a new one, without the variables "
                    "and unsaved files"
                )
        if len(self._cache) >= MAX_CACHED_RECORDS:
            self._cache.clear()
        self._cache[self.name] = stored

    def _state(self, record: SessionRecord) -> SessionState:
        return record.state(self._code_interpreter.identifier, self._gone_id, self._now())

    def _is_usable(self, record: SessionRecord, uploads: list[StoredFile]) -> bool:
        return self._state(record).has_sandbox and not missing_uploads(record, uploads)

    def _wait(self, seconds: float) -> None:
        if self._deadline.remaining() < seconds + MIN_TIME_LEFT:
            raise NotStartedError(f"another request is still preparing session {self.name}")
        self._sleep(seconds)

    def _discard(self, session_id: str, *, is_replacement: bool) -> None:
        """Stop a sandbox and forget it.

        :param is_replacement: Whether the next sandbox counts as its replacement.
        """
        self._code_interpreter.stop_session(session_id)
        self._cache.pop(self.name, None)
        stored = self._read()
        # Another request may have found the sandbox gone already, and replaces it.
        while stored.record.session_id == session_id:
            record = SessionRecord()
            if is_replacement:
                record = stored.record.replacement(is_replacement=True)
            try:
                self._store.write(self.name, record, stored.etag)
                return
            except RecordChangedError as changed:
                stored = changed.stored  # perhaps it only says that the sandbox is in use


def iso_time(moment: float) -> str:
    """Return a moment, in seconds since the epoch, as responses have it."""
    return datetime.fromtimestamp(moment, UTC).isoformat()
