"""The lifecycle of a code interpreter, against a service in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from code_interpreter_control import lifecycle
from code_interpreter_control.errors import LifecycleError
from code_interpreter_control.event import (
    CONFIGURATION_TAG,
    RESOURCE_TAG,
    STACK_TAG,
    CustomResourceRequest,
)
from code_interpreter_control.lifecycle import UNDO_SECONDS, Lifecycle
from tests.fakes.cloudformation import LOGICAL_ID, STACK_ID, CloudFormation
from tests.fakes.control_plane import (
    FakeCodeInterpreters,
    FakeTime,
    InProcessFunction,
    service_error,
)

if TYPE_CHECKING:
    from code_interpreter_control.code_interpreters import CodeInterpreters

SANDBOX = {"NamePrefix": "Demo", "NetworkConfiguration": {"NetworkMode": "SANDBOX"}}
PUBLIC = {"NamePrefix": "Demo", "NetworkConfiguration": {"NetworkMode": "PUBLIC"}}
NAMED = {"Name": "mine", "NetworkConfiguration": {"NetworkMode": "SANDBOX"}}


def only_interpreter(service: FakeCodeInterpreters) -> Any:
    assert len(service.interpreters) == 1, sorted(service.interpreters)
    return next(iter(service.interpreters.values()))


# create


def test_create_reports_the_id_and_the_attributes(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    assert cloudformation.create(SANDBOX)
    interpreter = only_interpreter(service)
    assert cloudformation.physical_id == interpreter.id
    assert cloudformation.responses[-1]["Data"] == {
        "CodeInterpreterId": interpreter.id,
        "CodeInterpreterArn": interpreter.arn,
        "Name": interpreter.name,
        "Status": "READY",
        "CreatedAt": "2026-01-02T00:00:00+00:00",
    }


def test_create_tags_with_the_owner_and_keeps_the_users_tags(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create({**SANDBOX, "Tags": {"team": "data"}})
    tags = only_interpreter(service).tags
    assert tags["team"] == "data"
    assert tags[STACK_TAG] == STACK_ID
    assert tags[RESOURCE_TAG] == LOGICAL_ID
    assert len(tags[CONFIGURATION_TAG]) == 64


def test_create_sends_every_property_with_the_member_names_of_the_api(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    role = "arn:aws:iam::123456789012:role/r"
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ca"
    mount = {"AccessPointArn": "a", "FileSystemArn": "f", "MountPath": "/mnt/data"}
    vpc = {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"]}
    cloudformation.create(
        {
            "ServiceToken": "arn",
            "ServiceTimeout": "2100",
            "Name": "mine",
            "Description": "d",
            "ExecutionRoleArn": role,
            "NetworkConfiguration": {"NetworkMode": "VPC", "VpcConfig": vpc},
            "Certificates": [{"Location": {"SecretsManager": {"SecretArn": secret}}}],
            "FilesystemConfigurations": [{"EfsConfiguration": mount}],
        }
    )
    assert only_interpreter(service).name == "mine"
    assert only_interpreter(service).parameters == {
        "description": "d",
        "executionRoleArn": role,
        "networkConfiguration": {
            "networkMode": "VPC",
            "vpcConfig": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]},
        },
        "certificates": [{"location": {"secretsManager": {"secretArn": secret}}}],
        "filesystemConfigurations": [
            {
                "efsConfiguration": {
                    "accessPointArn": "a",
                    "fileSystemArn": "f",
                    "mountPath": "/mnt/data",
                }
            }
        ],
    }


def test_create_waits_for_two_ready_reads_in_a_row(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    service.creating = ["CREATING", "READY", "CREATING", "READY", "READY"]
    assert cloudformation.create(SANDBOX)
    assert service.calls.count("get") == 5


def test_create_waits_until_reads_find_the_code_interpreter(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    service.creating = ["unseen", "unseen", "CREATING", "READY", "unseen", "READY", "READY"]
    assert cloudformation.create(SANDBOX)
    assert service.calls.count("get") == 7


@pytest.mark.parametrize(("denials", "created"), [(9, True), (10, False)])
def test_create_waits_until_its_permission_to_read_is_known(
    service: FakeCodeInterpreters, cloudformation: CloudFormation, denials: int, created: bool
) -> None:
    service.get_errors = [service_error("AccessDeniedException", "not you")] * denials
    response = cloudformation.send("Create", SANDBOX)
    assert (response["Status"] == "SUCCESS") is created
    assert created or "not you" in response["Reason"]
    assert len(service.interpreters) == created


def test_create_fails_if_somebody_deletes_the_code_interpreter_meanwhile(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    service.creating = ["CREATING", "gone"]
    response = cloudformation.send("Create", SANDBOX)
    assert response["Status"] == "FAILED"
    assert " is gone: " in response["Reason"]


def test_failed_create_reports_the_reason_of_aws_and_leaves_nothing(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    service.creating = ["CREATING", "CREATE_FAILED"]
    service.failure_reason = "no such subnet"
    response = cloudformation.send("Create", SANDBOX)
    assert "is CREATE_FAILED: no such subnet" in response["Reason"]
    assert not service.interpreters


def test_create_without_enough_time_leaves_nothing(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    service.creating = ["CREATING"]
    service.deleting = ["DELETING"] * 10 + ["gone"]
    response = cloudformation.send("Create", SANDBOX)
    assert "did not finish within the time" in response["Reason"]
    assert not service.interpreters


@pytest.mark.parametrize(
    "error",
    [
        service_error("ValidationException", "CodeInterpreter role validation failed"),
        service_error("ValidationException", "Execution role is missing required permissions: x"),
        service_error("AccessDeniedException"),
    ],
)
def test_create_waits_until_iam_knows_a_new_role(
    service: FakeCodeInterpreters, cloudformation: CloudFormation, error: Any
) -> None:
    service.create_errors = [error] * 5
    assert cloudformation.create(SANDBOX)
    assert service.calls.count("create") == 6


def test_create_stops_waiting_for_iam(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    service.create_errors = [service_error("AccessDeniedException", "not you")] * 1000
    assert not cloudformation.create(SANDBOX)
    assert "not you" in cloudformation.responses[0]["Reason"]
    # At most ten seconds, give or take a quarter, are between two attempts.
    assert 400 / 12.5 < service.calls.count("create") < 80


def test_create_waits_for_iam_for_more_than_five_minutes_and_leaves_time_to_undo(
    service: FakeCodeInterpreters,
    cloudformation: CloudFormation,
    function: InProcessFunction,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A user reports that IAM took 322 seconds."""
    service.create_errors = [service_error("AccessDeniedException", "secret-role")] * 1000
    response = cloudformation.send("Create", SANDBOX)
    assert response["Status"] == "FAILED"
    assert 900 - function.seconds_left + 12.5 > 400
    assert function.seconds_left > UNDO_SECONDS
    waits = [record for record in caplog.messages if "IAM may not have propagated" in record]
    assert len(waits) == service.calls.count("create")
    assert "secret-role" not in caplog.text


@pytest.mark.parametrize("left", [UNDO_SECONDS + 30, UNDO_SECONDS - 1])
def test_waiting_for_iam_never_uses_the_time_to_undo(
    service: FakeCodeInterpreters, left: float
) -> None:
    """Updates restore predecessors first, and have less time."""
    service.create_errors = [service_error("AccessDeniedException")] * 1000
    time = FakeTime(left)
    event = {
        "RequestType": "Create",
        "RequestId": "r",
        "StackId": STACK_ID,
        "LogicalResourceId": LOGICAL_ID,
        "ResponseURL": "https://cloudformation.example/",
        "ResourceProperties": SANDBOX,
    }
    request = CustomResourceRequest.from_event(event)
    with pytest.raises(LifecycleError):
        # The fake has the methods of `CodeInterpreters`.
        Lifecycle(request, cast("CodeInterpreters", service), time.clock()).create()
    assert time.left > min(left, UNDO_SECONDS) - 1


def test_the_wait_for_iam_can_be_shortened(
    service: FakeCodeInterpreters,
    cloudformation: CloudFormation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The local AWS does, so that a mistyped role is told at once."""
    monkeypatch.setattr(lifecycle, "IAM_WAIT_SECONDS", 5.0)
    service.create_errors = [service_error("AccessDeniedException")] * 1000
    assert not cloudformation.create(SANDBOX)
    assert service.calls.count("create") < 7


@pytest.mark.parametrize("code", ["ServiceQuotaExceededException", "ValidationException"])
def test_create_does_not_retry_errors_that_last(
    service: FakeCodeInterpreters, cloudformation: CloudFormation, code: str
) -> None:
    service.create_errors = [service_error(code)]
    assert not cloudformation.create(SANDBOX)
    assert service.calls.count("create") == 1


def test_create_does_not_take_over_a_code_interpreter_of_the_same_name(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    stranger = service.seed("mine")
    assert not cloudformation.create(NAMED)
    assert "ConflictException" in cloudformation.responses[0]["Reason"]
    assert only_interpreter(service) is stranger


@pytest.mark.parametrize("properties", [SANDBOX, NAMED])
def test_a_refused_create_keeps_a_retained_code_interpreter(
    service: FakeCodeInterpreters, cloudformation: CloudFormation, properties: dict[str, Any]
) -> None:
    """The resource left the stack, which kept it, and is back in the template."""
    cloudformation.create(properties)
    retained = only_interpreter(service)
    service.create_errors = [service_error("ConflictException")]
    assert not cloudformation.create(properties)
    assert only_interpreter(service) is retained


# update


def test_a_change_of_tags_keeps_the_code_interpreter(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create({**SANDBOX, "Tags": {"a": "1", "b": "2"}})
    first_id = cloudformation.physical_id
    only_interpreter(service).tags["by-hand"] = "kept"
    assert cloudformation.update({**SANDBOX, "Tags": {"b": "3", "c": "4"}})
    assert cloudformation.physical_id == first_id
    users_tags = {k: v for k, v in only_interpreter(service).tags.items() if ":" not in k}
    assert users_tags == {"b": "3", "c": "4", "by-hand": "kept"}
    assert service.calls.count("create") == 1


def test_an_update_that_changes_nothing_writes_nothing(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(SANDBOX)
    before = len(service.calls)
    assert cloudformation.update({**SANDBOX, "ServiceTimeout": "1"})
    assert set(service.calls[before:]) <= {"get", "tags", "all"}


def test_the_order_of_a_list_is_not_a_change(cloudformation: CloudFormation) -> None:
    def vpc(*subnets: str) -> dict[str, Any]:
        config = {"Subnets": list(subnets), "SecurityGroups": ["sg-1"]}
        return {**SANDBOX, "NetworkConfiguration": {"NetworkMode": "VPC", "VpcConfig": config}}

    cloudformation.create(vpc("subnet-1", "subnet-2"))
    first_id = cloudformation.physical_id
    cloudformation.update(vpc("subnet-2", "subnet-1"))
    assert cloudformation.physical_id == first_id


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SANDBOX, PUBLIC),
        (SANDBOX, {**SANDBOX, "Description": "new"}),
        ({**SANDBOX, "Description": "old"}, SANDBOX),
        (SANDBOX, {**SANDBOX, "ExecutionRoleArn": "arn:aws:iam::123456789012:role/r"}),
        (SANDBOX, NAMED),
        (NAMED, {**NAMED, "Name": "yours"}),
        (NAMED, SANDBOX),
    ],
)
def test_any_other_change_replaces_the_code_interpreter(
    service: FakeCodeInterpreters,
    cloudformation: CloudFormation,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    cloudformation.create(before)
    old = only_interpreter(service)
    assert cloudformation.update(after)
    new = only_interpreter(service)
    assert new.id == cloudformation.physical_id != old.id
    assert new.name != old.name


def test_a_replacement_with_the_same_given_name_is_refused_before_any_change(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(NAMED)
    interpreter = only_interpreter(service)
    assert not cloudformation.update({**NAMED, "Description": "new"})
    assert "change Name, too" in cloudformation.responses[1]["Reason"]
    assert only_interpreter(service) is interpreter
    assert service.calls.count("create") == 1


def test_an_update_creates_a_code_interpreter_that_was_deleted_by_hand(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(SANDBOX)
    service.interpreters.clear()
    assert cloudformation.update({**SANDBOX, "Tags": {"a": "1"}})
    assert only_interpreter(service).id == cloudformation.physical_id


def test_a_failed_replacement_keeps_the_predecessor(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(SANDBOX)
    old = only_interpreter(service)
    service.creating = ["CREATE_FAILED"]
    assert not cloudformation.update(PUBLIC)
    assert only_interpreter(service) is old


@pytest.mark.parametrize(("old", "new"), [(SANDBOX, PUBLIC), (NAMED, {**NAMED, "Name": "yours"})])
def test_a_rollback_of_a_replacement_returns_to_the_predecessor(
    service: FakeCodeInterpreters,
    cloudformation: CloudFormation,
    old: dict[str, Any],
    new: dict[str, Any],
) -> None:
    """Another resource failed, so CloudFormation sends the old properties again."""
    cloudformation.create(old)
    first, first_id = only_interpreter(service), cloudformation.physical_id
    response = cloudformation.send(
        "Update", new, PhysicalResourceId=first_id, OldResourceProperties=old
    )
    second_id = response["PhysicalResourceId"]
    response = cloudformation.send(
        "Update", old, PhysicalResourceId=second_id, OldResourceProperties=new
    )
    assert response["PhysicalResourceId"] == first_id
    cloudformation.send_delete(second_id, new)
    assert only_interpreter(service) is first


def test_a_rollback_restores_the_tags_too(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create({**SANDBOX, "Tags": {"a": "1"}})
    first, first_id = only_interpreter(service), cloudformation.physical_id
    cloudformation.update({**SANDBOX, "Tags": {"b": "2"}})
    response = cloudformation.send(
        "Update", PUBLIC, PhysicalResourceId=first_id, OldResourceProperties=SANDBOX
    )
    before = {**SANDBOX, "Tags": {"a": "1"}}
    cloudformation.send(
        "Update",
        before,
        PhysicalResourceId=response["PhysicalResourceId"],
        OldResourceProperties={**PUBLIC, "Tags": {"b": "2"}},
    )
    assert {key: value for key, value in first.tags.items() if ":" not in key} == {"a": "1"}


def test_a_rollback_does_not_return_to_a_code_interpreter_that_is_being_deleted(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(SANDBOX)
    first, first_id = only_interpreter(service), cloudformation.physical_id
    response = cloudformation.send(
        "Update", PUBLIC, PhysicalResourceId=first_id, OldResourceProperties=SANDBOX
    )
    first.statuses = ["DELETING"] * 3 + ["gone"]
    response = cloudformation.send(
        "Update",
        SANDBOX,
        PhysicalResourceId=response["PhysicalResourceId"],
        OldResourceProperties=PUBLIC,
    )
    assert response["PhysicalResourceId"] != first_id
    assert service.interpreters[response["PhysicalResourceId"]].statuses == ["READY"]


def test_an_unchanged_configuration_is_never_replaced(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    """Also after the tag with its digest was removed by hand."""
    cloudformation.create(SANDBOX)
    interpreter = only_interpreter(service)
    del interpreter.tags[CONFIGURATION_TAG]
    assert cloudformation.update({**SANDBOX, "Tags": {"a": "1"}})
    assert only_interpreter(service) is interpreter
    assert CONFIGURATION_TAG in interpreter.tags


def test_an_update_removes_the_leftovers_of_failed_updates(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(SANDBOX)
    interpreter = only_interpreter(service)
    service.seed("Demo_9", tags={STACK_TAG: STACK_ID, RESOURCE_TAG: LOGICAL_ID})
    assert cloudformation.update({**SANDBOX, "Tags": {"a": "1"}})
    assert only_interpreter(service) is interpreter


def test_an_update_keeps_retained_code_interpreters(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(SANDBOX)
    service.seed(
        "Demo_9",
        tags={STACK_TAG: STACK_ID, RESOURCE_TAG: LOGICAL_ID, CONFIGURATION_TAG: "another"},
    )
    assert cloudformation.update({**SANDBOX, "Tags": {"a": "1"}})
    assert len(service.interpreters) == 2


# delete


def test_delete_stops_every_session_first(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(SANDBOX)
    only_interpreter(service).sessions = {f"session{number}" for number in range(25)}
    cloudformation.delete()
    assert service.calls.count("stop_session") == 25
    assert not service.interpreters


def test_delete_is_repeated_when_a_session_starts_meanwhile(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(SANDBOX)
    service.delete_errors = [service_error("ConflictException")] * 3
    cloudformation.delete()
    assert service.calls.count("delete") == 4
    assert not service.interpreters


@pytest.mark.parametrize("code", ["ConflictException", "ValidationException"])
def test_delete_waits_until_the_creation_has_ended(
    service: FakeCodeInterpreters, cloudformation: CloudFormation, code: str
) -> None:
    interpreter = service.seed("Demo_0", statuses=["CREATING", "CREATING", "READY"])
    service.delete_errors = [service_error(code)] * 2
    cloudformation.send_delete(interpreter.id, SANDBOX)
    assert not service.interpreters


def test_delete_of_a_missing_code_interpreter_succeeds(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.send_delete("Demo_0-0123456789", SANDBOX)
    assert service.calls == ["get"]


def test_delete_does_not_request_a_deletion_that_is_in_progress(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    interpreter = service.seed("Demo_0", statuses=["DELETING", "DELETING", "gone"])
    cloudformation.send_delete(interpreter.id, SANDBOX)
    assert set(service.calls) == {"get"}


def test_delete_that_takes_too_long_responds_in_time(
    service: FakeCodeInterpreters, function: InProcessFunction, cloudformation: CloudFormation
) -> None:
    interpreter = service.seed("Demo_0", statuses=["DELETING"])
    response = cloudformation.send("Delete", SANDBOX, PhysicalResourceId=interpreter.id)
    assert response["Status"] == "FAILED"
    assert function.seconds_left > 20


def test_delete_that_is_always_refused_reports_the_refusal(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    interpreter = service.seed("Demo_0")
    service.delete_errors = [service_error("ConflictException", "still in use")] * 1000
    response = cloudformation.send("Delete", SANDBOX, PhysicalResourceId=interpreter.id)
    assert response["Status"] == "FAILED"
    assert "still in use (ConflictException" in response["Reason"]


def test_delete_by_a_made_up_id_keeps_the_code_interpreters_of_others(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    owner = {STACK_TAG: STACK_ID, RESOURCE_TAG: LOGICAL_ID}
    service.seed("Demo_1", tags=owner)
    others = [
        service.seed("Demo_2", tags={**owner, RESOURCE_TAG: "Other"}),
        service.seed("Demo_3", tags={**owner, STACK_TAG: "other"}),
        service.seed("Demo_4"),
        service.seed("Elsewhere_5", tags=owner),
    ]
    cloudformation.send_delete("Demo-Interpreter0A1B2C3D-1ABCDEF", SANDBOX)
    assert list(service.interpreters.values()) == others


def test_delete_by_a_made_up_id_removes_all_code_interpreters_of_the_resource(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    for number in range(3):
        service.seed(f"Demo_{number}", tags={STACK_TAG: STACK_ID, RESOURCE_TAG: LOGICAL_ID})
    response = cloudformation.send("Delete", SANDBOX, PhysicalResourceId="Demo-Interpreter-1ABCDEF")
    assert response["Status"] == "SUCCESS"
    assert not service.interpreters


def test_delete_by_a_made_up_id_fails_if_tags_cannot_be_read(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    service.seed("Demo_0", tags={STACK_TAG: STACK_ID, RESOURCE_TAG: LOGICAL_ID})
    service.fault = (2, False, service_error("AccessDeniedException"))
    response = cloudformation.send("Delete", SANDBOX, PhysicalResourceId="Demo-Interpreter-1ABCDEF")
    assert response["Status"] == "FAILED"
    assert service.calls == ["all", "tags"]


def test_delete_never_deletes_the_aws_managed_code_interpreter(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.send_delete("aws.codeinterpreter.v1", SANDBOX)
    assert "delete" not in service.calls


def test_a_failed_delete_reports_the_reason_of_aws(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    interpreter = service.seed("Demo_0")
    service.failure_reason = "in use"
    service.deleting = ["DELETE_FAILED"]
    response = cloudformation.send("Delete", SANDBOX, PhysicalResourceId=interpreter.id)
    assert response["Status"] == "FAILED"
    assert "cannot be deleted: in use" in response["Reason"]
