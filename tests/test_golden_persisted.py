"""The formats that outlive a deployment: a renamed member or key runs a program twice."""

from __future__ import annotations

import json

from code_interpreter_invoke.idempotency import (
    IdempotencyRecord,
    RecordStatus,
    fingerprint,
    object_name,
)
from code_interpreter_invoke.requests.request import direct_request
from code_interpreter_invoke.sessions.spare import Claim
from code_interpreter_invoke.sessions.store import SessionRecord, to_json
from code_interpreter_invoke.settings import Settings
from tests.golden_files import check_golden

REQUEST = direct_request(
    {
        "tool": "execute_code",
        "session": "sales-q3",
        "code": "print(1)",
        "output_filename": "chart.png",
        "idempotency_key": "order-17",
    }
)
UNNAMED = REQUEST._replace(session=None)


def test_golden_session_record() -> None:
    record = SessionRecord(
        code_interpreter_id="analysis-0123456789",
        session_id="01ABCDEF",
        client_token="7a2b",
        ready_at=1_800_000_001.5,
        expires_at=1_800_000_900.0,
        is_replacement=True,
        options={"sessionTimeoutSeconds": 900},
        uploads={"data/sales.csv": '"etag"'},
        removed_uploads={"data/old.csv": '"etag2"'},
        removed_supplied_at={"data/old.csv": 1_800_000_000.0},
        initial_entries=("sample",),
        lease_expires_at=1_800_000_150.0,
        idle_limit=600,
        last_used_at=1_800_000_100.0,
        tasks=("7",),
        swept_at=1_799_999_000.0,
    )
    check_golden("persisted/session_record.json", json.loads(to_json(record, "c41d")))


def test_golden_claim_of_a_spare() -> None:
    check_golden("persisted/claim.json", json.loads(Claim("sales-q3", "7a2b").to_json()))


def test_golden_idempotency_records() -> None:
    records = {
        "running": IdempotencyRecord("f1", "o1", RecordStatus.RUNNING, ends_at=1_800_000_060.0),
        "done": IdempotencyRecord(
            "f1", "o1", RecordStatus.DONE, response={"status": "ok", "stdout": ""}
        ),
        "not started": IdempotencyRecord("f1", "o1", RecordStatus.NOT_STARTED),
    }
    found = {name: json.loads(record.to_json()) for name, record in records.items()}
    check_golden("persisted/idempotency_records.json", found)


def test_golden_keys() -> None:
    found = {
        "idempotency record": object_name(REQUEST.session, REQUEST.idempotency_key),
        "idempotency record without a session": object_name(
            UNNAMED.session, UNNAMED.idempotency_key
        ),
        "fingerprint": fingerprint(REQUEST),
        # Ends the names of sandboxes, which live for hours.
        "owner": Settings("id", "files", "workspace", "sessions/workspace/1.r.S.c8/", 900).owner,
    }
    check_golden("persisted/keys.json", found)


def test_an_argument_that_a_later_version_adds_changes_no_fingerprint() -> None:
    later = REQUEST._replace(arguments={**REQUEST.arguments, "later": None})
    assert fingerprint(later) == fingerprint(REQUEST)
