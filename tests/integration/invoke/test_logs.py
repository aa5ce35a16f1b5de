from __future__ import annotations

import logging

import pytest

from tests.fakes.lambda_context import Context
from tests.integration.invoke.wire import Wire
from tests.unit.invoke.canaries import CANARY, EVENTS, logged


def test_the_libraries_log_no_data_of_the_user(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    """They see requests and responses, headers and signed URLs."""
    caplog.set_level(logging.DEBUG)
    wire.put("uploads/large.bin", CANARY.encode() * 800_000)
    wire.ok("execute_code", session="s", code="x = 1")
    wire.ok("ci_push_to_workspace", session="s", paths=["large.bin"])
    quick = [event for event in EVENTS if "timeout_seconds" not in event]
    for event in quick:
        wire.function({"session": "s", **event}, Context())
    of_each_tool = {event["tool"]: event for event in quick}.values()
    for event in of_each_tool:
        wire.fault(operation="InvokeCodeInterpreter", kind="reset", when="after")
        wire.function({"session": "s", **event}, Context())
        wire.clear_faults()
    own = [record for record in caplog.records if record.name.startswith("code_interpreter")]
    assert len(own) == 2 + len(quick) + len(of_each_tool)
    assert CANARY not in logged(caplog)
