"""The preparation of a session's sandbox: started, set up, and loaded with the uploads.

A warm spare is started in the same way, without a session.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..clients import CodeInterpreterClient
from ..deadline import Deadline
from ..errors import (
    DeniedError,
    InvalidRequestError,
    NotFoundError,
    NotStartedError,
    RequestError,
    SandboxGoneError,
)
from ..files.workspace import StoredFile, Workspace
from ..sandbox.observer import Observer
from ..sandbox.sandbox import Sandbox
from .store import RecordChangedError, SessionOptions, SessionRecord, SessionStore, StoredRecord
from .uploads import missing_uploads

if TYPE_CHECKING:
    from .lease import PreparationLease
    from .spare import Spare


class Preparation:
    """Prepares the sandbox of one session, in one request that acquires the lease for it.

    :ivar warnings: Sentences for the response, such as an upload that could not be loaded.
    """

    def __init__(
        self,
        session: str,
        *,
        store: SessionStore,
        code_interpreter: CodeInterpreterClient,
        workspace: Workspace,
        deadline: Deadline,
        options: SessionOptions,
        idle_limit: float,
        spare: Spare | None,
        now: Callable[[], float],
    ) -> None:
        """Take the parts; nothing is read or started yet.

        :param options: The options of a session that has none of its own.
        :param idle_limit: Seconds without use after which the sweeper may stop a sandbox that is
            started now; 0 if it must not.
        :param spare: The warm spare, if there is to be one.
        """
        self._session = session
        self._store = store
        self._code_interpreter = code_interpreter
        self._workspace = workspace
        self._deadline = deadline
        self._options = options
        self._idle_limit = idle_limit
        self._spare = spare
        self._now = now
        self.warnings: list[str] = []

    def prepare(
        self,
        stored: StoredRecord,
        uploads: list[StoredFile],
        *,
        gone_id: str,
        needed_until: float,
    ) -> StoredRecord:
        """Acquire the lease, prepare the sandbox, and publish the record.

        :param gone_id: The id of a sandbox that is known to have ended, or an empty text.
        :param needed_until: When the request's own program ends at the latest.
        :raises RecordChangedError: if another request has taken over.
        :raises NotStartedError: if the sandbox cannot be prepared.
        """
        # Most requests find a sandbox that is ready. These modules are for one that is not, which
        # takes a second or two.
        from .lease import PreparationLease
        from .setup import SetupError

        earlier = stored.record
        state = earlier.state(self._code_interpreter.identifier, gone_id, self._now())
        record = earlier if state.has_sandbox else self._unstarted_record(earlier)
        lease = PreparationLease(
            self._session, self._store, stored.etag, record, deadline=self._deadline, now=self._now
        )
        # An earlier attempt, which was cut off, may have claimed the spare.
        is_first_attempt = record.client_token != earlier.client_token
        try:
            if lease.is_for_start:
                self._stop_earlier(earlier, gone_id)
            try:
                self._start_and_load(lease, uploads, needed_until, is_first_attempt)
            except SandboxGoneError:
                lease.prepare_another(
                    lease.record.replacement(
                        code_interpreter_id=record.code_interpreter_id,
                        client_token=str(uuid.uuid4()),
                        is_replacement=record.is_replacement or not lease.is_for_start,
                    )
                )
                self._start_and_load(lease, uploads, needed_until, is_first_attempt=True)
            return lease.publish()
        except RecordChangedError as changed:
            if lease.has_started and not lease.is_for_same_sandbox(changed.stored.record):
                self._code_interpreter.stop_session(lease.record.session_id)
            raise
        except NotFoundError:
            lease.release(keep_token=False)
            raise
        except SetupError:
            # The next attempt, perhaps with another setup, begins with a new sandbox.
            self._code_interpreter.stop_session(lease.record.session_id)
            lease.release(keep_token=False)
            raise
        except RequestError as error:
            # If the service refused to start a sandbox, drop the token. Otherwise the sandbox may
            # exist, so keep the token to find it.
            is_refused = isinstance(error, InvalidRequestError)
            lease.release(keep_token=lease.has_started or not is_refused)
            failure = DeniedError if isinstance(error, DeniedError) else NotStartedError
            raise failure(
                f"session {self._session} could not be prepared: {error.message}",
                retryable=not is_refused and (error.retryable or error.type != "NotStarted"),
            ) from error

    def _unstarted_record(self, earlier: SessionRecord) -> SessionRecord:
        """Return the record of a sandbox that is to be started in the place of an earlier one."""
        is_interrupted_start = earlier.code_interpreter_id in (
            "",
            self._code_interpreter.identifier,
        )
        token = earlier.client_token if is_interrupted_start else ""
        return earlier.replacement(
            code_interpreter_id=self._code_interpreter.identifier,
            client_token=token or str(uuid.uuid4()),
            is_replacement=earlier.is_replacement or bool(earlier.session_id),
        )

    def _stop_earlier(self, earlier: SessionRecord, gone_id: str) -> None:
        """Stop an earlier sandbox that may still run, though its time is up."""
        is_ours = earlier.code_interpreter_id == self._code_interpreter.identifier
        if is_ours and earlier.session_id not in ("", gone_id):
            self._code_interpreter.stop_session(earlier.session_id)

    def _start_and_load(
        self,
        lease: PreparationLease,
        uploads: list[StoredFile],
        needed_until: float,
        is_first_attempt: bool,
    ) -> None:
        if lease.is_for_start:
            self._start(lease, needed_until, is_first_attempt)
        self._load(lease, uploads)
        if lease.is_for_start and lease.record.setup:
            from .setup import SETUP_SECONDS, set_up  # few sessions have one

            lease.hold(SETUP_SECONDS)
            sandbox = Sandbox(
                self._code_interpreter,
                lease.record.session_id,
                environment=lease.record.environment,
            )
            set_up(sandbox, lease.record.setup)

    def _start(self, lease: PreparationLease, needed_until: float, is_first_attempt: bool) -> None:
        """Give the lease's record a sandbox: the warm spare, or one that is started now."""
        lease.record = lease.record._replace(idle_limit=self._idle_limit)
        spare = self._claim_spare(lease.record, needed_until, is_first_attempt)
        if spare is not None:
            lease.record = lease.record._replace(
                code_interpreter_id=spare.code_interpreter_id,
                session_id=spare.session_id,
                expires_at=spare.expires_at,
                options=spare.options,
                initial_entries=spare.initial_entries,
                observer=spare.observer,
            )
            return
        # The lease has to know of a sandbox that was started, also if it cannot be prepared.
        lease.record = start_sandbox(
            lease.record, self._code_interpreter, self._session, self._options
        )
        lease.record = prepare_sandbox(lease.record, self._code_interpreter)

    def _claim_spare(
        self, record: SessionRecord, needed_until: float, is_first_attempt: bool
    ) -> SessionRecord | None:
        """Return the warm spare's record, if the session is new and has no settings of its own."""
        has_own_settings = (
            (record.options and record.options != self._options)
            or record.setup
            or record.environment
            or record.observer == ""
        )
        if self._spare is None or has_own_settings or record.is_replacement:
            return None
        return self._spare.claim(
            self._session, record.client_token, needed_until, is_first=is_first_attempt
        )

    def _load(self, lease: PreparationLease, uploads: list[StoredFile]) -> None:
        from ..files.loading import group_files, load  # most requests have no new uploads

        self.warnings = []  # those of an earlier sandbox, which has ended
        sandbox = Sandbox(self._code_interpreter, lease.record.session_id)
        for batch in group_files(missing_uploads(lease.record, uploads)):
            lease.extend(sum(upload.size for upload in batch))
            self.warnings += load(sandbox, self._workspace, batch).warnings
            # An upload with a warning is not tried again until the user supplies another version.
            loaded = {upload.path: upload.etag for upload in batch}
            lease.record = lease.record._replace(uploads={**lease.record.uploads, **loaded})


def start_sandbox(
    record: SessionRecord,
    code_interpreter: CodeInterpreterClient,
    name: str,
    default_options: SessionOptions,
) -> SessionRecord:
    """Start a sandbox, and return the record with its id, its end and its options."""
    options = record.options or default_options
    session = code_interpreter.start_session(client_token=record.client_token, name=name, **options)
    return record._replace(
        code_interpreter_id=code_interpreter.identifier,
        session_id=session.session_id,
        expires_at=session.created_at.timestamp() + options["sessionTimeoutSeconds"],
        options=options,
    )


def prepare_sandbox(
    record: SessionRecord, code_interpreter: CodeInterpreterClient
) -> SessionRecord:
    """Install the observer in a sandbox that nobody has used, and return the record with it."""
    sandbox = Sandbox(code_interpreter, record.session_id, environment=record.environment)
    observer = Observer.of_secret(record.client_token)
    sandbox.prepare(observer, observed=record.observer != "")
    return record._replace(
        initial_entries=sandbox.own_entries,
        observer=sandbox.observer.mark if sandbox.observer else "",
    )
