"""One fault at each call of each event: each gets a response, and nothing is left behind."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.cloudformation import CloudFormation
from tests.fakes.control_plane import FakeCodeInterpreters, InProcessFunction, Killed, service_error

SANDBOX = {"NamePrefix": "Demo", "NetworkConfiguration": {"NetworkMode": "SANDBOX"}}
TAGGED = {**SANDBOX, "Tags": {"a": "1"}}
PUBLIC = {"NamePrefix": "Demo", "NetworkConfiguration": {"NetworkMode": "PUBLIC"}}
NAMED = {"Name": "mine", "NetworkConfiguration": {"NetworkMode": "SANDBOX"}}
RENAMED = {"Name": "yours", "NetworkConfiguration": {"NetworkMode": "PUBLIC"}}


def delete_by_made_up_id(cloudformation: CloudFormation) -> None:
    """Delete a resource whose creation was canceled before CloudFormation learnt its id."""
    cloudformation.physical_id = "Demo-Interpreter0A1B2C3D-1ABCDEF"
    cloudformation.delete()


def replace_and_roll_back(cloudformation: CloudFormation) -> None:
    """Replace the resource, then roll back because of another resource.

    The user continues a rollback that fails.
    """
    old_id = cloudformation.physical_id
    new_id = cloudformation.send_update(old_id, SANDBOX, PUBLIC)["PhysicalResourceId"]
    rollback = cloudformation.send_update(new_id, PUBLIC, SANDBOX)
    if rollback["Status"] == "FAILED":
        rollback = cloudformation.send_update(new_id, PUBLIC, SANDBOX)
    assert (rollback["Status"], rollback["PhysicalResourceId"]) == ("SUCCESS", old_id)
    if new_id != old_id:
        cloudformation.send_delete(new_id, PUBLIC)


# The properties of the code interpreter that exists before, and the events.
SCENARIOS: dict[str, tuple[dict[str, Any] | None, Callable[[CloudFormation], Any]]] = {
    "create": (None, lambda cfn: cfn.create(SANDBOX)),
    "create named": (None, lambda cfn: cfn.create(NAMED)),
    "tag": (
        TAGGED,
        lambda cfn: cfn.update({**SANDBOX, "Tags": {"b": "2"}}),
    ),
    "replace": (SANDBOX, lambda cfn: cfn.update(PUBLIC)),
    "rename": (NAMED, lambda cfn: cfn.update(RENAMED)),
    "delete": (SANDBOX, lambda cfn: cfn.delete()),
    "delete by a made-up id": (SANDBOX, delete_by_made_up_id),
    "rollback": (SANDBOX, replace_and_roll_back),
}
ERRORS = (
    Killed(),
    service_error("AccessDeniedException"),
    service_error("InternalServerException"),
    service_error("ConflictException"),
    service_error("ResourceNotFoundException"),
)


def start(before: dict[str, Any] | None) -> tuple[FakeCodeInterpreters, CloudFormation]:
    service = FakeCodeInterpreters()
    cloudformation = CloudFormation(InProcessFunction(service).run)
    if before is not None:
        cloudformation.create(before)
        next(iter(service.interpreters.values())).sessions = {"session-1", "session-2"}
    service.calls.clear()
    return service, cloudformation


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: getattr(error, "code", "killed"))
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_fault_at_any_call_leaves_the_code_interpreter_of_the_stack_and_no_other(
    scenario: str, error: BaseException, after_effect: bool
) -> None:
    before, send_events = SCENARIOS[scenario]
    for number in itertools.count(1):
        service, cloudformation = start(before)
        service.fault = (number, after_effect, error)
        send_events(cloudformation)
        known = set() if cloudformation.physical_id is None else {cloudformation.physical_id}
        assert set(service.interpreters) == known, f"call {number}: {service.calls}"
        if isinstance(error, Killed):
            assert cloudformation.failures == []
        if len(service.calls) < number:
            break
    assert number > 3
