"""Mutants of the function that the checker has to catch.

Each changes one decision on which a claim rests. A mutant that no history catches would show that
the histories do not meet what the decision is for, or that the checker does not look.
"""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple
from unittest import mock

from code_interpreter_invoke import idempotency
from code_interpreter_invoke.clients import Bucket, PreconditionFailedError, code_interpreter
from code_interpreter_invoke.errors import NotStartedError
from code_interpreter_invoke.files import saving
from code_interpreter_invoke.idempotency import IdempotencyKey, RecordStatus
from code_interpreter_invoke.sessions import idle, named, sweeper
from code_interpreter_invoke.sessions.lease import PreparationLease
from code_interpreter_invoke.sessions.named import NamedSession
from code_interpreter_invoke.sessions.preparation import Preparation
from code_interpreter_invoke.sessions.spare import Claim, Spare
from code_interpreter_invoke.sessions.store import (
    RecordChangedError,
    SessionRecord,
    SessionState,
    SessionStore,
    StoredRecord,
    to_json,
)
from code_interpreter_invoke.sessions.sweeper import Sweeper

from .plan import Plan, plan
from .services import ATTEMPTS

# The faults with which a request loses its way or its right.
CUTS = ("slow", "lost", "dies before", "dies after", "gone")


class Mutant(NamedTuple):
    """A change of the function, for as long as the context lasts.

    `faults` are those that the mutant needs, if most histories do not show it. `invoke_attempts` is
    how often the client of user code sends a request.
    """

    name: str
    change: Callable[[], AbstractContextManager[Any]]
    faults: tuple[str, ...] = ()
    invoke_attempts: int = 1
    is_generated: bool = False

    def plan(self, seed: int) -> Plan:
        """Return the plan of a seed with the faults that the mutant needs.

        Nobody knows which a generated one needs: every second plan has a single kind of fault, and
        all that the upkeep does.
        """
        drawn = plan(seed)
        if self.is_generated and seed % 2:
            kinds = (CUTS[seed // 2 % len(CUTS)],)
            idle_limit = 600 if seed % 3 else 0
            return dataclasses.replace(
                drawn, fault_kinds=kinds, fault_rate=0.1, has_spare=True, idle_limit=idle_limit
            )
        if not self.faults:
            return drawn
        # A request that fails as often as it is sent takes many faults.
        rate = 0.1 if self.faults == ("unreachable",) else 0.03
        return dataclasses.replace(drawn, fault_kinds=self.faults, fault_rate=rate, has_spare=True)


def patch(target: Any, name: str, value: Any) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: mock.patch.object(target, name, value)


def changed(
    target: Any, name: str, change: Callable[..., Any]
) -> Callable[[], AbstractContextManager[Any]]:
    """Patch a function by one that gets the original first."""
    original = getattr(target, name)

    def changed_function(*arguments: Any, **named_arguments: Any) -> Any:
        return change(original, *arguments, **named_arguments)

    return patch(target, name, changed_function)


def put_without_condition(pattern: str) -> Callable[[], AbstractContextManager[Any]]:
    """Write the records whose key has a pattern whether or not their condition holds."""

    def put(original: Any, bucket: Any, key: str, body: bytes, **options: Any) -> Any:
        if re.search(pattern, key):
            options |= {"if_match": None, "if_absent": False}
        return original(bucket, key, body, **options)

    return changed(Bucket, "put", put)


def write_without_reading_back(store: Any, session: str, record: Any, etag: str | None) -> Any:
    write_id = str(uuid.uuid4())
    try:
        written = store._bucket.put(
            store._key(session),
            to_json(record, write_id),
            content_type="application/json",
            if_match=etag,
            if_absent=etag is None,
        )
    except PreconditionFailedError:
        raise RecordChangedError(store.read(session)) from None
    return StoredRecord(record, written)


def state_without_lease(original: Any, record: SessionRecord, *arguments: Any) -> SessionState:
    state: SessionState = original(record._replace(lease_expires_at=0.0), *arguments)
    return state


def unstarted_with_new_token(
    original: Any, preparation: Any, earlier: SessionRecord
) -> SessionRecord:
    record: SessionRecord = original(preparation, earlier)
    return record._replace(client_token=str(uuid.uuid4()))


def never_restarted(original: Any, session: Any, response: Any) -> Any:
    described = original(session, response)
    described.pop("session_restarted", None)
    return described


def not_started(original: Any, *arguments: Any, **options: Any) -> Any:
    error = original(*arguments, **options)
    return NotStartedError(error.message) if error.type == "OutcomeUnknown" else error


def free_after_any_error(original: Any, key: Any, response: Any) -> Any:
    if "error" in response:
        key._write(RecordStatus.NOT_STARTED)
        return response
    return original(key, response)


def take_over(original: Any, key: Any, ends_at: float, pause: float) -> None:
    """Free the key when the request that has it must have ended."""
    if key._now() > ends_at:
        key._write(RecordStatus.NOT_STARTED)
        return
    original(key, ends_at, pause)


def run_before_the_record(_original: Any, key: Any) -> Any:
    record = key._read()
    return record.response if record is not None and record.response else None


@contextmanager
def stops_nothing() -> Iterator[None]:
    """Stop no sandbox when a session's sandbox is discarded or given up."""
    with mock.patch.object(
        code_interpreter.CodeInterpreterClient, "stop_session", lambda client, session_id: None
    ):
        yield


def discard_without_stopping(original: Any, session: Any, session_id: str, **options: Any) -> None:
    with stops_nothing():
        original(session, session_id, **options)


def load_nothing(_original: Any, _preparation: Any, lease: Any, uploads: Any) -> None:
    """Record uploads that were not loaded."""
    lease.record = lease.record._replace(uploads={upload.path: upload.etag for upload in uploads})


def save_nothing(_sandbox: Any, _workspace: Any, batch: Any, saved: Any) -> None:
    for file in batch:
        with saved.recording(file):
            continue


@contextmanager
def every_session_is_idle() -> Iterator[None]:
    original = Sweeper.sweep
    with (
        mock.patch.object(sweeper, "idle_from", lambda record: 0.0),
        mock.patch.object(Sweeper, "sweep", lambda self, idle_limit: original(self, 0.0)),
    ):
        yield


def sweep_in_reverse(original: Any, sweeper_: Sweeper, session: str, listed: str) -> bool:
    """Stop the sandbox before the record is marked."""
    write = sweeper_._store.write

    def write_later(name: str, record: SessionRecord, etag: str | None) -> StoredRecord:
        if record.was_swept and record.session_id:
            sweeper_._code_interpreter.stop_session(record.session_id)
        return write(name, record, etag)

    with mock.patch.object(sweeper_._store, "write", write_later):
        return bool(original(sweeper_, session, listed))


def claim_for_everybody(_spare: Any, _session_id: str, _claim: Claim) -> bool:
    return True


def release_without_token(original: Any, lease: Any, **_options: bool) -> None:
    original(lease, keep_token=False)


MUTANTS = (
    Mutant(
        "session records are written without a condition", put_without_condition(r"c8/\w+\.json")
    ),
    Mutant(
        "a refused write is not read back",
        patch(SessionStore, "write", write_without_reading_back),
        ("lost",),
    ),
    Mutant("the lease is never checked", changed(SessionRecord, "state", state_without_lease)),
    Mutant(
        "each attempt to start has a token of its own",
        changed(Preparation, "_unstarted_record", unstarted_with_new_token),
    ),
    Mutant(
        "a failed preparation forgets its token",
        changed(PreparationLease, "release", release_without_token),
        ("unreachable",),
    ),
    Mutant("user code is sent again", nullcontext, invoke_attempts=ATTEMPTS),
    Mutant(
        "a lost outcome is said not to have started",
        changed(code_interpreter, "failure", not_started),
    ),
    Mutant("a restart is not said", changed(NamedSession, "describe", never_restarted)),
    Mutant(
        "a key is free again after any error",
        changed(IdempotencyKey, "record", free_after_any_error),
    ),
    Mutant(
        "a key is taken over when its request has ended",
        changed(IdempotencyKey, "_wait", take_over),
    ),
    Mutant(
        "a program runs before its key is recorded",
        changed(IdempotencyKey, "recorded_response", run_before_the_record),
    ),
    Mutant("a key's record is written without a condition", put_without_condition("responses/")),
    Mutant(
        "keys are not of a request",
        patch(idempotency, "object_name", lambda session, key: "responses/one.json"),
    ),
    Mutant(
        "a stopped session's sandbox lives on",
        changed(NamedSession, "_discard", discard_without_stopping),
    ),
    Mutant("uploads are recorded and not loaded", changed(Preparation, "_load", load_nothing)),
    Mutant("files are said to be saved", patch(saving, "save_batch", save_nothing)),
    Mutant("the sweeper takes every session for idle", every_session_is_idle),
    Mutant("the sweeper stops before it marks", changed(Sweeper, "_sweep", sweep_in_reverse)),
    Mutant("use is not written", patch(named, "is_use_due", lambda record, now: False)),
    Mutant("a long program does not beat", patch(idle, "WRITES_PER_LIMIT", 0.5)),
    Mutant("a spare is anybody's", patch(Spare, "_write_claim", claim_for_everybody)),
    Mutant("claims are written without a condition", put_without_condition("spares/0")),
    Mutant(
        "a claimed spare is nobody's concern",
        patch(Spare, "_stop", lambda spare_, record: None),
        ("dies after",),
    ),
    Mutant(
        "a takeover takes another spare",
        changed(Spare, "claim", lambda original, *arguments, **options: original(*arguments)),
        ("dies before",),
    ),
)
