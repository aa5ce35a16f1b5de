from __future__ import annotations

import pytest

from code_interpreter_control.errors import LifecycleError
from code_interpreter_control.event import CustomResourceRequest
from code_interpreter_control.outcome import Outcome


def request(kind: str) -> CustomResourceRequest:
    return CustomResourceRequest.from_event(
        {
            "RequestType": kind,
            "RequestId": "request",
            "StackId": "stack",
            "LogicalResourceId": "resource",
            "ResponseURL": "url",
            "PhysicalResourceId": "in-use",
        }
    )


@pytest.mark.parametrize(
    ("kind", "physical_id"), [("Create", "left-over"), ("Update", "in-use"), ("Delete", "in-use")]
)
def test_only_a_failed_creation_reports_the_id_that_it_left(kind: str, physical_id: str) -> None:
    error = LifecycleError("no such subnet", code="CREATE_FAILED", physical_id="left-over")
    assert Outcome.failed(request(kind), error).physical_id == physical_id


def test_the_log_has_the_code_of_a_failure_and_not_its_reason() -> None:
    error = LifecycleError("no such subnet", code="CREATE_FAILED")
    assert Outcome.failed(request("Delete"), error).log_fields == {
        "outcome": "failed",
        "id": "in-use",
        "code": "CREATE_FAILED",
    }


def test_a_defect_in_the_function_is_located_in_the_log_alone() -> None:
    text = "a se" + "cret"  # frames show the line, not the value
    try:
        raise ZeroDivisionError(text)
    except ZeroDivisionError as error:
        outcome = Outcome.crashed(request("Create"), error)
    assert outcome.code == "ZeroDivisionError"
    assert any("test_outcome.py" in frame for frame in outcome.frames)
    assert "secret" not in str(outcome)
