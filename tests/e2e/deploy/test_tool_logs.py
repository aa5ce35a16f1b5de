"""The deployed function logs a line for every call, and no data of the user."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from code_interpreter_invoke.errors import RequestError
from tests.unit.invoke.canaries import CANARY, EVENTS, MESSAGE

from .tool_calls import (
    client,
    directly,
    executed,
    output,
    sent,
    through_agent,
    through_gateway,
)

if TYPE_CHECKING:
    from .deployment import Deployment

# Faults of the calls, whose messages hold data of the user.
FAILURES: list[dict[str, Any]] = [
    {"kind": "error", "error": "ValidationException", "message": MESSAGE},
    {"kind": "error", "error": "ThrottlingException", "message": MESSAGE},
    {"kind": "error", "error": "AccessDeniedException", "message": MESSAGE},
    {"kind": "error", "error": "InternalServerException", "message": MESSAGE},
    {"kind": "stream_exception", "error": "internalServerException", "message": MESSAGE},
    {"kind": "reset", "when": "after"},
]
FIELDS = {
    "bytes_copied",
    "caller",
    "duration_ms",
    "error_type",
    "files_deleted",
    "files_loaded",
    "files_saved",
    "replayed",
    "request_id",
    "sandboxes_started",
    "session",
    "session_id",
    "session_restarted",
    "status",
    "tool",
    "truncated",
}
# An event of each tool; those with a timeout would wait for it.
OF_EACH_TOOL = list(
    {event["tool"]: event for event in EVENTS if "timeout_seconds" not in event}.values()
)
OF_LAMBDA = ("INIT_START", "START", "END", "REPORT")


@pytest.fixture(scope="module")
def lines(deployed: Deployment) -> list[str]:
    """Call the function with all events, then each tool with a failure, and return its log."""
    for event in EVENTS:
        sent(deployed, {"session": "logs", **event})
    for number, event in enumerate(OF_EACH_TOOL):
        deployed.agentcore.inject_fault(
            operation="InvokeCodeInterpreter", **FAILURES[number % len(FAILURES)]
        )
        sent(deployed, {"session": "logs", **event})
        deployed.agentcore.clear_faults()
    for caller in (through_gateway, through_agent):
        for code in (f"print('{CANARY}')", f"raise ValueError('{CANARY}')"):
            caller(deployed, "logs", "execute_code", code=code)
        caller(deployed, "logs", CANARY, code=CANARY)
    executed(deployed, "Patient", {"session": "logs", "command": f"echo {CANARY}; exit 3"})
    pages = client(deployed, "logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=log_group(deployed)).search("events[].message")
    return [line for message in found for line in message.splitlines()]


def log_group(deployed: Deployment) -> str:
    function = client(deployed, "lambda").get_function_configuration(
        FunctionName=output(deployed, "InvokeFunctionName")
    )
    return str(function["LoggingConfig"]["LogGroup"])


def test_the_log_has_no_data_of_the_user(lines: list[str]) -> None:
    assert [line for line in lines if CANARY in line] == []


def test_the_log_has_one_line_of_known_fields_for_every_call(lines: list[str]) -> None:
    calls = sum(line.startswith("START ") for line in lines)
    own = [line for line in lines if line and not line.startswith(OF_LAMBDA)]
    assert len(own) == calls > len(EVENTS) + len(OF_EACH_TOOL)
    for line in own:
        _, _, facts = line.split("\t")
        assert set(re.findall(r"(?:^| )(\w+)=", facts)) <= FIELDS, line


def test_the_log_covers_every_error_and_every_caller(lines: list[str]) -> None:
    """The other tests would prove little without calls of every kind."""
    types = {error.type for error in RequestError.__subclasses__()}
    assert set(re.findall(r"error_type=(\w+)", "\n".join(lines))) == types
    assert set(re.findall(r"caller=(\w+)", "\n".join(lines))) == {"Agent", "Direct", "Gateway"}


def test_the_user_finds_the_data_in_the_workspace(deployed: Deployment) -> None:
    response = directly(deployed, "logs", "workspace_read", path=f"code-interpreter/{CANARY}")
    assert response["content"] == CANARY
