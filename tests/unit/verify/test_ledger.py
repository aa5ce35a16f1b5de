"""Everything is recorded before it is made, and outlasts the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.ledger import Ledger, Made

if TYPE_CHECKING:
    from pathlib import Path

SANDBOX = Made("session", "verify_1_1", "interpreter-1")
STACK = Made("stack", "Verify-1-Mounts")


def test_a_thing_is_in_the_file_at_once_and_until_it_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "run" / "made.json"
    ledger = Ledger(path)
    ledger.record(SANDBOX)
    ledger.record(STACK)
    assert list(Ledger(path)) == [SANDBOX, STACK]
    ledger.forget(SANDBOX)
    assert list(Ledger(path)) == [STACK]
    ledger.forget(SANDBOX)
    assert list(ledger) == [STACK]


def test_people_read_what_and_where() -> None:
    assert str(SANDBOX) == "session verify_1_1 of interpreter-1"
    assert str(Made("objects", "workspace/x/", "bucket")) == "objects workspace/x/ in bucket"
    assert str(STACK) == "stack Verify-1-Mounts"
