"""`LocalAws.agentcore` controls the emulator that boto3 talks to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import LocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSTEM_INTERPRETER = "aws.codeinterpreter.v1"
ACCOUNT = "111111111111"
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """A local AWS of its own: a reset and the clock would reach other tests."""
    with LocalAws() as aws:
        yield aws


@pytest.fixture(autouse=True)
def reset(aws: LocalAws) -> None:
    aws.agentcore.reset()


def start_session(aws: LocalAws) -> str:
    data = aws.client("bedrock-agentcore", ACCOUNT, config=ONE_ATTEMPT)
    started = data.start_code_interpreter_session(codeInterpreterIdentifier=SYSTEM_INTERPRETER)
    return str(started["sessionId"])


def test_a_fault_hits_as_many_calls_as_it_counts(aws: LocalAws) -> None:
    aws.agentcore.inject_fault(
        operation="StartCodeInterpreterSession", kind="error", error="ThrottlingException", count=2
    )
    for _ in range(2):
        with pytest.raises(ClientError, match="ThrottlingException"):
            start_session(aws)
    start_session(aws)


def test_cleared_faults_hit_no_call(aws: LocalAws) -> None:
    aws.agentcore.inject_fault(operation="*", kind="http", status=500, count=None)
    with pytest.raises(ClientError, match="InternalServerException"):
        start_session(aws)
    aws.agentcore.clear_faults()
    start_session(aws)


def test_a_refused_fault_names_what_is_allowed(aws: LocalAws) -> None:
    with pytest.raises(ValueError, match=r"418.*429, 500, 503, 504"):
        aws.agentcore.inject_fault(operation="*", kind="http", status=418)


def test_an_advanced_clock_ends_sessions(aws: LocalAws) -> None:
    session = start_session(aws)
    before = aws.agentcore.state()
    [ready] = before["sessions"]
    assert (ready["sessionId"], ready["account"]) == (session, ACCOUNT)
    assert (ready["status"], ready["callsInFlight"]) == ("READY", 0)
    assert ready["processIds"]
    aws.agentcore.advance_clock(900)
    after = aws.agentcore.state()
    passed = datetime.fromisoformat(after["now"]) - datetime.fromisoformat(before["now"])
    assert passed >= timedelta(seconds=900)
    [ended] = after["sessions"]
    assert (ended["status"], ended["processIds"]) == ("TERMINATED", [])
    with pytest.raises(ValueError, match="-1"):
        aws.agentcore.advance_clock(-1)


def test_calls_are_recorded_with_their_effect(aws: LocalAws) -> None:
    aws.agentcore.inject_fault(
        operation="StartCodeInterpreterSession", kind="http", status=503, when="after"
    )
    with pytest.raises(ClientError):
        start_session(aws)
    [call] = aws.agentcore.calls()
    assert (call["operation"], call["account"]) == ("StartCodeInterpreterSession", ACCOUNT)
    assert (call["took_effect"], call["status"]) == (True, 503)


def test_a_reset_forgets_sessions_calls_and_faults(aws: LocalAws) -> None:
    start_session(aws)
    aws.agentcore.inject_fault(operation="*", kind="hang")
    aws.agentcore.reset()
    assert aws.agentcore.state()["sessions"] == []
    assert aws.agentcore.calls() == []
    start_session(aws)
