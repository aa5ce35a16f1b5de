"""The deployed invoke function when AgentCore or S3 fails, through Lambda's API.

After each failure, the code has run at most once, the response reports the failure, and the next
call works. There is one failure for each type of error; `tests/integration/invoke/test_wire.py`
has every fault.
"""

from __future__ import annotations

import itertools
import json
import threading
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from botocore.config import Config

from code_interpreter_invoke.idempotency import object_name
from code_interpreter_invoke.requests.request import direct_request
from code_interpreter_invoke.requests.tools import TOOLS
from tests.integration.invoke.faults import COUNT, COUNTED, error
from verify.tool_calls import TOOL_CALLS

from .tool_calls import (
    CALLERS,
    Response,
    client,
    directly,
    executions,
    is_busy,
    output,
    sent,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .deployment import Deployment

numbers = itertools.count()


@pytest.fixture
def session() -> str:
    return f"faults-{next(numbers)}"


@pytest.fixture(autouse=True)
def no_faults_left(deployed: Deployment) -> Iterator[None]:
    yield
    deployed.agentcore.clear_faults()


# A hanging call ends with its own limit.
LIMIT = {"timeout_seconds": 5}


def test_a_sandbox_that_has_ended_is_replaced(deployed: Deployment) -> None:
    directly(deployed, "faults", "execute_code", code=COUNT)
    deployed.agentcore.inject_fault(
        operation="InvokeCodeInterpreter", **error("ResourceNotFoundException")
    )
    response = directly(deployed, "faults", "execute_code", code=f"{COUNT}\n{COUNTED}")
    assert (response["status"], response["session_restarted"]) == ("ok", True)
    assert executions(deployed, response["session_id"]) == 1


# Every type of error, and a call that ends with it.
ERRORS: dict[str, tuple[dict[str, Any] | None, str, dict[str, Any]]] = {
    "InvalidRequest": (None, "execute_code", {"code": COUNT, "language": "cobol"}),
    "NotStarted": (error("AccessDeniedException"), "execute_code", {"code": COUNT}),
    "CodeFailed": (None, "execute_code", {"code": f"{COUNT}\n1/0"}),
    "TimedOut": ({"kind": "hang", "when": "after"}, "execute_code", {"code": COUNT, **LIMIT}),
    "OutcomeUnknown": ({"kind": "reset", "when": "after"}, "execute_code", {"code": COUNT}),
    "NotFound": (None, "workspace_read", {"path": "uploads/missing"}),
}


# One type shows that an error reaches a caller, and the golden responses have the form of each.
ERRORS_OF_CALLERS = [
    pytest.param(
        caller,
        error_type,
        marks=() if caller == "direct" or error_type == "CodeFailed" else pytest.mark.slow,
    )
    for caller in CALLERS
    for error_type in ERRORS
]


@pytest.mark.parametrize(("caller", "error_type"), ERRORS_OF_CALLERS)
def test_every_caller_gets_every_error(deployed: Deployment, caller: str, error_type: str) -> None:
    call, session = CALLERS[caller], f"errors-{caller}"
    fault, tool, arguments = ERRORS[error_type]
    session_id = call(deployed, session, "start_session")["session_id"]
    before = executions(deployed, session_id)
    if fault is not None:
        deployed.agentcore.inject_fault(operation="InvokeCodeInterpreter", **fault)
    response = call(deployed, session, tool, **arguments)
    assert response["error"]["type"] == error_type
    assert response["error"]["retryable"] is False
    ran = error_type in ("CodeFailed", "TimedOut", "OutcomeUnknown")
    assert executions(deployed, session_id) == before + int(ran)
    assert call(deployed, session, "execute_code", code="print(6 * 7)")["stdout"] == "42"


def test_every_tool_reports_access_that_is_denied(deployed: Deployment) -> None:
    """The role is denied everything: the service and the bucket."""
    role = {"RoleName": deployed.role_of("OtherFunction"), "PolicyName": "DenyAll"}
    document = {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    iam = deployed.client("iam")
    iam.put_role_policy(**role, PolicyDocument=json.dumps(document))
    responses = {
        given["tool"]: other(deployed, session="denied", **given) for given, _ in TOOL_CALLS
    }
    iam.delete_role_policy(**role)
    assert responses.keys() == TOOLS.keys()
    assert responses.pop("describe_tools")["status"] == "ok"
    for tool, response in responses.items():
        refused = response["error"]
        assert (refused["type"], refused["retryable"]) == ("NotStarted", False), tool
        assert "AccessDenied" in refused["message"], tool
    response = other(deployed, session="denied", tool="execute_code", code="print(6 * 7)")
    assert response["stdout"] == "42"


# Repeated calls.


@pytest.mark.parametrize(
    "error_type", ["CodeFailed", "OutcomeUnknown", pytest.param("TimedOut", marks=pytest.mark.slow)]
)
def test_repeating_an_asynchronous_call_returns_its_recorded_response(
    deployed: Deployment, session: str, error_type: str
) -> None:
    fault, tool, arguments = ERRORS[error_type]
    started = directly(deployed, session, "start_session")
    if fault is not None:
        deployed.agentcore.inject_fault(operation="InvokeCodeInterpreter", **fault)
    event = {"tool": tool, "session": session, "idempotency_key": "key", **arguments}
    client(deployed, "lambda").invoke(
        FunctionName=output(deployed, "InvokeFunctionName"),
        InvocationType="Event",
        Payload=json.dumps(event),
    )
    until(lambda: recorded(deployed, event))
    for _ in range(2):
        response = sent(deployed, event)
        assert (response["error"]["type"], response["replayed"]) == (error_type, True)
    assert executions(deployed, started["session_id"]) == 1


def test_a_client_that_times_out_and_retries_gets_the_one_response(
    deployed: Deployment, session: str
) -> None:
    """SDKs retry by themselves, after a minute by default."""
    started = directly(deployed, session, "start_session")
    config = Config(read_timeout=3, retries={"total_max_attempts": 10})
    event = {
        "tool": "execute_code",
        "session": session,
        "code": "import time; time.sleep(5); print(6 * 7)",
        "idempotency_key": "key",
    }
    asked = deployed.client("lambda", config=config).invoke(
        FunctionName=output(deployed, "InvokeFunctionName"), Payload=json.dumps(event)
    )
    assert asked["ResponseMetadata"]["RetryAttempts"] > 0
    response = json.load(asked["Payload"])
    assert (response["stdout"], response["replayed"]) == ("42", True)
    assert executions(deployed, started["session_id"]) == 1


def test_an_instance_that_is_killed_leaves_an_outcome_that_stays_unknown(
    deployed: Deployment, session: str
) -> None:
    started = other(deployed, tool="start_session", session=session)
    event = {
        "tool": "execute_code",
        "session": session,
        "code": f"{COUNT}\nimport time; time.sleep(5)",
        "idempotency_key": "key",
    }
    dying = threading.Thread(target=invoke_to_death, args=(deployed, event))
    dying.start()
    until(lambda: is_busy(deployed, started["session_id"]) or None)
    kill(deployed, output(deployed, "OtherFunctionName"))
    dying.join()

    def settled() -> Response | None:
        response = other(deployed, **event)
        assert response["error"]["type"] == "OutcomeUnknown"
        return None if response["error"]["retryable"] else response

    # The error is retryable as long as the first call could still be running.
    assert "ended without recording a response" in until(settled)["error"]["message"]
    assert executions(deployed, started["session_id"]) == 1
    following = directly(deployed, session, "execute_code", code=COUNTED)
    assert (following["session_id"], following["stdout"]) == (started["session_id"], "1")


def other(deployed: Deployment, **event: Any) -> Response:
    """Return the response of the function that has little time."""
    return sent(deployed, event, function="OtherFunctionName")


def recorded(deployed: Deployment, event: dict[str, Any]) -> dict[str, Any] | None:
    """Return the idempotency record of an event, or None until it holds the response."""
    s3 = client(deployed, "s3")
    bucket = output(deployed, "WorkspaceBucketName")
    request = direct_request(event)
    name = object_name(request.session, request.idempotency_key)
    keys = [
        item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="sessions/")["Contents"]
    ]
    key = next((key for key in keys if key.endswith(name)), None)
    if key is None:
        return None
    found = s3.get_object(Bucket=bucket, Key=key)
    record: dict[str, Any] = json.load(found["Body"])
    return record if record["status"] == "done" else None


def invoke_to_death(deployed: Deployment, event: dict[str, Any]) -> None:
    response = client(deployed, "lambda").invoke(
        FunctionName=output(deployed, "OtherFunctionName"), Payload=json.dumps(event)
    )
    assert response["FunctionError"] == "Unhandled"


def kill(deployed: Deployment, function: str) -> None:
    """Kill the processes that run a function, as Lambda does when they need too much memory."""
    server = psutil.Process(deployed.aws.process_id)
    running = [
        process
        for process in server.children(recursive=True)
        if f"ministack-lambda-{function}-" in process.cwd()
    ]
    assert running
    for process in running:
        process.kill()
