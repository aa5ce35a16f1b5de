from __future__ import annotations

import json

import pytest

from code_interpreter_invoke.clients import Bucket
from code_interpreter_invoke.deadline import Deadline
from code_interpreter_invoke.sessions.store import (
    SessionRecord,
    SessionState,
    SessionStore,
    from_json,
    to_json,
)
from tests.fakes.client_error import client_error
from tests.fakes.s3 import BUCKET, RECORDS_PREFIX
from tests.fakes.world import World, clients_of

NOW = 1_800_000_000.0
READY = SessionRecord(code_interpreter_id="ours", session_id="S1", expires_at=NOW + 1)


@pytest.mark.parametrize(
    ("record", "state"),
    [
        pytest.param(SessionRecord(), SessionState.ABSENT, id="no sandbox"),
        pytest.param(READY, SessionState.READY, id="alive"),
        pytest.param(READY._replace(expires_at=NOW), SessionState.ABSENT, id="expired"),
        pytest.param(READY._replace(session_id="gone"), SessionState.ABSENT, id="gone"),
        pytest.param(
            READY._replace(code_interpreter_id="earlier"),
            SessionState.ABSENT,
            id="of a code interpreter that was replaced",
        ),
        pytest.param(
            SessionRecord(client_token="t", lease_expires_at=NOW + 1),
            SessionState.STARTING,
            id="leased without a sandbox",
        ),
        pytest.param(
            SessionRecord(client_token="t", lease_expires_at=NOW),
            SessionState.ABSENT,
            id="lease expired",
        ),
        pytest.param(
            READY._replace(session_id="gone", lease_expires_at=NOW + 1),
            SessionState.STARTING,
            id="leased to replace a sandbox that is gone",
        ),
        pytest.param(
            READY._replace(lease_expires_at=NOW + 1), SessionState.LOADING, id="leased and alive"
        ),
    ],
)
def test_the_state_follows_from_the_record(record: SessionRecord, state: SessionState) -> None:
    assert record.state("ours", "gone", NOW) is state


def test_a_record_survives_its_persisted_form() -> None:
    record = SessionRecord(
        code_interpreter_id="ours",
        session_id="S1",
        client_token="t",
        ready_at=1.0,
        expires_at=2.0,
        is_replacement=True,
        options={"sessionTimeoutSeconds": 9},
        setup="make",
        environment={"A": "b"},
        uploads={"a": '"e"'},
        initial_entries=("b",),
        observer="mark",
        lease_expires_at=3.0,
        idle_limit=600,
        last_used_at=4.0,
        tasks=("t",),
        swept_at=0.5,
    )
    read, write_id = from_json(to_json(record, "w"))
    assert write_id == "w"
    lists = record._replace(initial_entries=["b"], tasks=["t"])  # type: ignore[arg-type]  # JSON's
    assert read == lists


def test_a_member_of_a_later_version_is_left_out() -> None:
    members = json.loads(to_json(READY, "w"))
    read, _ = from_json(json.dumps({**members, "version": 2, "later": 1}).encode())
    assert read.session_id == "S1"


@pytest.mark.parametrize("conflicts", [1, 3])
def test_a_write_that_met_a_conflict_is_sent_again(world: World, conflicts: int) -> None:
    """S3 may refuse both of two writes at once, and then nobody has written."""
    left = [conflicts]

    def conflict(operation: str, _key: str) -> None:
        if operation == "PutObject" and left[0]:
            left[0] -= 1
            raise client_error("ConditionalRequestConflict", 409, "PutObject")

    world.s3.before = conflict
    bucket = Bucket(clients_of(world.s3), BUCKET, Deadline(60))
    store = SessionStore(bucket, RECORDS_PREFIX)
    written = store.write("s", SessionRecord(session_id="1"), None)
    assert store.read("s").etag == written.etag
    assert world.s3.operations().count("PutObject") == conflicts + 1
