"""One fault at every call of every event: one answer each time, and no stray code interpreter."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from code_interpreter_control import handler

from .fakes import CloudFormation, FakeService, Killed, service_error

SANDBOX = {"NamePrefix": "Demo", "NetworkConfiguration": {"NetworkMode": "SANDBOX"}}
TAGGED = {**SANDBOX, "Tags": {"a": "1"}}
PUBLIC = {"NamePrefix": "Demo", "NetworkConfiguration": {"NetworkMode": "PUBLIC"}}
NAMED = {"Name": "mine", "NetworkConfiguration": {"NetworkMode": "SANDBOX"}}
RENAMED = {"Name": "yours", "NetworkConfiguration": {"NetworkMode": "PUBLIC"}}


def forgotten(cloudformation: CloudFormation) -> CloudFormation:
    """A creation was canceled before its answer came, so CloudFormation makes up an id."""
    cloudformation.physical_id = "Demo-Interpreter0A1B2C3D-1ABCDEF"
    return cloudformation


def there_and_back(cloudformation: CloudFormation) -> None:
    """A replacement, and its rollback because another resource failed; the user continues a
    rollback that fails."""
    old_id = cloudformation.physical_id

    def update(current: str | None, before: dict[str, Any], after: dict[str, Any]) -> Any:
        return cloudformation.send(
            "Update", after, PhysicalResourceId=current, OldResourceProperties=before
        )

    new_id = update(old_id, SANDBOX, PUBLIC)["PhysicalResourceId"]
    back = update(new_id, PUBLIC, SANDBOX)
    if back["Status"] == "FAILED":
        back = update(new_id, PUBLIC, SANDBOX)
    assert (back["Status"], back["PhysicalResourceId"]) == ("SUCCESS", old_id)
    if new_id != old_id:
        cloudformation.send_delete(new_id, PUBLIC)


# What exists before the event, and the event.
SCENARIOS: dict[str, tuple[dict[str, Any] | None, Callable[[CloudFormation], Any]]] = {
    "create": (None, lambda cfn: cfn.create(SANDBOX)),
    "create named": (None, lambda cfn: cfn.create(NAMED)),
    "tag": (
        {**SANDBOX, "Tags": {"a": "1"}},
        lambda cfn: cfn.update({**SANDBOX, "Tags": {"b": "2"}}),
    ),
    "replace": (SANDBOX, lambda cfn: cfn.update(PUBLIC)),
    "rename": (NAMED, lambda cfn: cfn.update(RENAMED)),
    "delete": (SANDBOX, lambda cfn: cfn.delete()),
    "delete by an invented id": (SANDBOX, lambda cfn: forgotten(cfn).delete()),
    "rollback": (SANDBOX, lambda cfn: there_and_back(cfn)),
}
ERRORS = (
    Killed(),
    service_error("AccessDeniedException"),
    service_error("InternalServerException"),
    service_error("ConflictException"),
    service_error("ResourceNotFoundException"),
)


def start(
    monkeypatch: pytest.MonkeyPatch, before: dict[str, Any] | None
) -> tuple[FakeService, CloudFormation]:
    service = FakeService()
    monkeypatch.setattr(handler, "code_interpreters", lambda: service)
    cloudformation = CloudFormation(service)
    if before is not None:
        cloudformation.create(before)
        next(iter(service.interpreters.values())).sessions = {"one", "two"}
    service.calls.clear()
    return service, cloudformation


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: getattr(error, "code", "killed"))
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_fault_at_any_call(
    monkeypatch: pytest.MonkeyPatch, scenario: str, error: BaseException, after_effect: bool
) -> None:
    before, event = SCENARIOS[scenario]
    for number in itertools.count(1):
        service, cloudformation = start(monkeypatch, before)
        service.fault = (number, after_effect, error)
        event(cloudformation)
        known = set() if cloudformation.physical_id is None else {cloudformation.physical_id}
        assert set(service.interpreters) == known, f"call {number}: {service.calls}"
        if isinstance(error, Killed):
            assert {answer["Status"] for answer in cloudformation.answers} == {"SUCCESS"}
        if len(service.calls) < number:
            break
    assert number > 3
