from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from code_interpreter_control import handler
from tests.fakes.control_plane import FakeCodeInterpreters, FakeTime, service_error

URL = "https://cloudformation.example/response?X-Amz-Signature=url-secret"
PROPERTIES = {
    "NamePrefix": "Demo",
    "Description": "description-secret",
    "NetworkConfiguration": {"NetworkMode": "SANDBOX"},
    "Tags": {"team": "tag-secret"},
}


class Context:
    """Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Return the list to which each response that is sent is added, with its URL."""
    responses: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(
        "code_interpreter_control.response.send",
        lambda url, body: responses.append((url, json.loads(body))),
    )
    monkeypatch.setattr(handler, "clock_of", lambda _: FakeTime().clock())
    return responses


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "RequestId": "00000000-0000-0000-0000-000000000001",
        "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/Demo/1",
        "LogicalResourceId": "Interpreter",
        "ResponseURL": URL,
        "ResourceProperties": PROPERTIES,
        **fields,
    }


def test_every_event_gets_one_response_at_its_url(
    service: FakeCodeInterpreters, sent: list[tuple[str, dict[str, Any]]]
) -> None:
    handler.handler(event("Create"), Context())
    physical_id = sent[0][1]["PhysicalResourceId"]
    known = {"PhysicalResourceId": physical_id, "OldResourceProperties": PROPERTIES}
    handler.handler(event("Update", **known), Context())
    handler.handler(event("Delete", PhysicalResourceId=physical_id), Context())
    assert [url for url, _ in sent] == [URL] * 3
    assert {response["Status"] for _, response in sent} == {"SUCCESS"}
    assert not service.interpreters


def test_the_clock_counts_the_time_that_lambda_leaves() -> None:
    assert handler.clock_of(Context()).remaining() == 60


def test_deleting_a_failed_creation_that_left_nothing_deletes_nothing(
    service: FakeCodeInterpreters, sent: list[tuple[str, dict[str, Any]]]
) -> None:
    service.create_errors = [service_error("ServiceQuotaExceededException", "too many")]
    handler.handler(event("Create"), Context())
    [(_, response)] = sent
    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == f"not-created-{response['RequestId']}"
    assert response["Reason"] == (
        "operation: too many (ServiceQuotaExceededException, request r-1)"
    )
    handler.handler(event("Delete", PhysicalResourceId=response["PhysicalResourceId"]), Context())
    assert sent[1][1]["Status"] == "SUCCESS"
    assert "delete" not in service.calls


def test_a_defect_in_the_function_becomes_a_failed_response(
    service: FakeCodeInterpreters, sent: list[tuple[str, dict[str, Any]]]
) -> None:
    service.fault = (1, False, ZeroDivisionError("message-secret"))
    handler.handler(event("Create"), Context())
    [(_, response)] = sent
    assert response["Status"] == "FAILED"
    assert "ZeroDivisionError" in response["Reason"]


@pytest.mark.parametrize(
    "error",
    [
        None,
        service_error("ValidationException", "description-secret is not valid"),
        ZeroDivisionError("message-secret"),
    ],
)
def test_the_log_has_no_url_property_or_error_text(
    service: FakeCodeInterpreters,
    sent: list[tuple[str, dict[str, Any]]],
    caplog: pytest.LogCaptureFixture,
    error: Exception | None,
) -> None:
    caplog.set_level(logging.DEBUG)
    if error is not None:
        service.fault = (1, False, error)
    handler.handler(event("Create"), Context())
    assert len(sent) == 1
    assert "Interpreter" in caplog.text
    assert "secret" not in caplog.text
