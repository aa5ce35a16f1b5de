from __future__ import annotations

from typing import Any

import pytest

from agentcore_emulator.testing.faults import Faults

INVOKE = "InvokeCodeInterpreter"
START = "StartCodeInterpreterSession"


def test_faults_hit_in_their_order_and_count_down() -> None:
    faults = Faults()
    faults.add({"operation": "*", "kind": "http", "status": 503, "count": 2})
    faults.add({"operation": START, "kind": "reset"})
    faults.add({"kind": "create_failed", "reason": "r"})
    taken = [faults.take(name) for name in (INVOKE, START, START, START)]
    assert [fault.kind if fault else None for fault in taken] == ["http", "http", "reset", None]
    assert faults.create_failure() == "r"
    assert faults.create_failure() is None
    assert faults.as_dicts() == []


def test_a_fault_without_a_count_hits_until_all_are_cleared() -> None:
    faults = Faults()
    faults.add({"operation": "*", "kind": "reset", "count": None})
    assert [faults.take(START) is None for _ in range(3)] == [False] * 3
    faults.clear()
    assert faults.take(START) is None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "kind: None is not one of error, http"),
        ({"kind": "explode"}, "kind: 'explode' is not one of"),
        ({"kind": "reset"}, r"operation: None is not one of \*, CreateCodeInterpreter"),
        ({"kind": "reset", "operation": "Create"}, "operation: 'Create'"),
        ({"kind": "stream_empty", "operation": START}, f"operation: '{START}'"),
        ({"kind": "reset", "operation": "*", "when": "during"}, "when: 'during'"),
        ({"kind": "stream_corrupt", "when": "before"}, "when: stream_corrupt"),
        ({"kind": "reset", "operation": "*", "count": 0}, "count: 0"),
        ({"kind": "reset", "operation": "*", "count": "2"}, "count: '2'"),
        ({"kind": "error", "operation": "*", "error": "Oops"}, "error: 'Oops'"),
        ({"kind": "error", "operation": "*", "error": []}, "error: .. has the wrong type"),
        ({"kind": "stream_exception", "error": "ThrottlingException"}, "not one of accessDenied"),
        ({"kind": "http", "operation": "*", "status": 418}, "status: 418"),
        ({"kind": "slow", "operation": "*"}, "seconds: 0"),
        ({"kind": "slow", "operation": "*", "seconds": float("nan")}, "seconds: nan"),
        ({"kind": "create_failed"}, "reason: must be given"),
        ({"kind": "reset", "operation": "*", "often": True}, "often"),
    ],
)
def test_refuses_a_fault_that_makes_no_sense(document: dict[str, Any], message: str) -> None:
    faults = Faults()
    with pytest.raises(ValueError, match=message):
        faults.add(document)
    assert faults.as_dicts() == []
