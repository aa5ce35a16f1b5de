"""Requests that the service refuses. Tests compare codes and statuses, not messages."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.service import SYSTEM_INTERPRETER, Service, Session, name

VALIDATION = "ValidationException"
NOT_FOUND = "ResourceNotFoundException"
UNKNOWN_ID = "conformance_unknown-0123456789"
UNKNOWN_SESSION = "01K1PPWYE373Z99SS2A8ABW0TX"
SANDBOX = {"networkMode": "SANDBOX"}
VPC = {"subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}


def refused(call: Any, params: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(**params)
    response: dict[str, Any] = error.value.response
    return response


def certificate(arn: str) -> dict[str, Any]:
    return {"location": {"secretsManager": {"secretArn": arn}}}


@pytest.mark.parametrize(
    "broken",
    [
        {"name": "with-hyphen"},
        {"name": "1starts_with_a_digit"},
        {"name": "with space"},
        {"name": "a" * 49},
        {"description": "a" * 4097},
        {"executionRoleArn": "not an arn"},
        {"executionRoleArn": "arn:aws:iam::111122223333:user/u"},
        {"networkConfiguration": {"networkMode": "INTERNET"}},
        {"networkConfiguration": {"networkMode": "VPC"}},
        {"networkConfiguration": {"networkMode": "VPC", "vpcConfig": VPC | {"subnets": ["x"]}}},
        {
            "networkConfiguration": {
                "networkMode": "VPC",
                "vpcConfig": VPC | {"securityGroups": ["sg-0123456789abcdef0"] * 17},
            }
        },
        {"certificates": [certificate("not an arn")]},
        {"clientToken": "-" * 40},
        {"tags": {"not?allowed": "v"}},
        {"tags": {"k": "v" * 257}},
        {"tags": {f"k{number}": "v" for number in range(51)}},
    ],
    ids=str,
)
def test_create_refuses(service: Service, broken: dict[str, Any]) -> None:
    params = {"name": name(), "networkConfiguration": SANDBOX, **broken}
    assert refused(service.control.create_code_interpreter, params)["Error"]["Code"] == VALIDATION


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("get_code_interpreter", {"codeInterpreterId": UNKNOWN_ID}, NOT_FOUND),
        ("delete_code_interpreter", {"codeInterpreterId": UNKNOWN_ID}, NOT_FOUND),
        ("delete_code_interpreter", {"codeInterpreterId": "no id"}, VALIDATION),
        ("list_code_interpreters", {"maxResults": 101}, VALIDATION),
        ("list_code_interpreters", {"type": "OTHER"}, VALIDATION),
        ("list_tags_for_resource", {"resourceArn": "arn:aws:s3:::a-bucket-of-mine"}, VALIDATION),
    ],
    ids=str,
)
def test_control_plane_refuses(
    service: Service, operation: str, params: dict[str, Any], code: str
) -> None:
    response = refused(getattr(service.control, operation), params)
    assert response["Error"]["Code"] == code


def test_tags_of_an_unknown_interpreter(service: Service, interpreter: Any) -> None:
    prefix = interpreter["codeInterpreterArn"].rpartition("/")[0]
    params = {"resourceArn": f"{prefix}/{UNKNOWN_ID}"}
    response = refused(service.control.list_tags_for_resource, params)
    assert response["Error"]["Code"] == NOT_FOUND


@pytest.mark.parametrize(
    "broken",
    [
        {"name": "a" * 101},
        {"sessionTimeoutSeconds": 28801},
        {"clientToken": "-" * 40},
        {"traceId": "a" * 1025},
        {"certificates": [certificate("not an arn")]},
    ],
    ids=str,
)
def test_start_refuses(service: Service, broken: dict[str, Any]) -> None:
    params = {"codeInterpreterIdentifier": SYSTEM_INTERPRETER, **broken}
    response = refused(service.data.start_code_interpreter_session, params)
    assert response["Error"]["Code"] == VALIDATION


@pytest.mark.parametrize(
    "broken",
    [
        {"name": "dropTables"},
        {"arguments": {"code": "1", "language": "perl"}},
        {"arguments": {"code": "1", "language": "javascript", "runtime": "bun"}},
        {"sessionId": "not/a/session"},
        {"sessionId": "a" * 41},
    ],
    ids=str,
)
def test_invoke_refuses(service: Service, shared_session: Session, broken: dict[str, Any]) -> None:
    params = {**shared_session, "name": "executeCode", **broken}
    response = refused(service.data.invoke_code_interpreter, params)
    assert response["Error"]["Code"] == VALIDATION


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("start_code_interpreter_session", {"codeInterpreterIdentifier": UNKNOWN_ID}, NOT_FOUND),
        ("list_code_interpreter_sessions", {"codeInterpreterIdentifier": UNKNOWN_ID}, NOT_FOUND),
        (
            "get_code_interpreter_session",
            {"codeInterpreterIdentifier": SYSTEM_INTERPRETER, "sessionId": UNKNOWN_SESSION},
            NOT_FOUND,
        ),
        (
            "stop_code_interpreter_session",
            {"codeInterpreterIdentifier": SYSTEM_INTERPRETER, "sessionId": UNKNOWN_SESSION},
            NOT_FOUND,
        ),
        (
            "invoke_code_interpreter",
            {
                "codeInterpreterIdentifier": SYSTEM_INTERPRETER,
                "sessionId": UNKNOWN_SESSION,
                "name": "listFiles",
            },
            NOT_FOUND,
        ),
        (
            "get_code_interpreter_session",
            {"codeInterpreterIdentifier": SYSTEM_INTERPRETER, "sessionId": "not/a/session"},
            VALIDATION,
        ),
        (
            "list_code_interpreter_sessions",
            {"codeInterpreterIdentifier": SYSTEM_INTERPRETER, "maxResults": 101},
            VALIDATION,
        ),
        (
            "list_code_interpreter_sessions",
            {"codeInterpreterIdentifier": SYSTEM_INTERPRETER, "status": "ACTIVE"},
            VALIDATION,
        ),
    ],
    ids=str,
)
def test_data_plane_refuses(
    service: Service, operation: str, params: dict[str, Any], code: str
) -> None:
    response = refused(getattr(service.data, operation), params)
    assert response["Error"]["Code"] == code
