"""Rules of the custom resource, against a service in memory."""

from __future__ import annotations

from typing import Any

import pytest

from code_interpreter_control.event import CONFIGURATION_TAG, RESOURCE_TAG, STACK_TAG
from tests.fakes.cloudformation import LOGICAL_ID, STACK_ID, CloudFormation
from tests.fakes.control_plane import FakeCodeInterpreters, InProcessFunction, service_error

SANDBOX = {"NamePrefix": "Demo", "NetworkConfiguration": {"NetworkMode": "SANDBOX"}}
PUBLIC = {"NamePrefix": "Demo", "NetworkConfiguration": {"NetworkMode": "PUBLIC"}}
NAMED = {"Name": "mine", "NetworkConfiguration": {"NetworkMode": "SANDBOX"}}


def only(service: FakeCodeInterpreters) -> Any:
    assert len(service.interpreters) == 1, sorted(service.interpreters)
    return next(iter(service.interpreters.values()))


# create


def test_create_reports_the_id_and_the_attributes(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    assert cloudformation.create(SANDBOX)
    one = only(service)
    assert cloudformation.physical_id == one.id
    assert cloudformation.responses[-1]["Data"] == {
        "CodeInterpreterId": one.id,
        "CodeInterpreterArn": one.arn,
        "Name": one.name,
        "Status": "READY",
        "CreatedAt": "2026-01-02T00:00:00+00:00",
    }


def test_create_tags_with_the_owner_and_keeps_the_users_tags(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create({**SANDBOX, "Tags": {"team": "data"}})
    tags = only(service).tags
    assert tags["team"] == "data"
    assert tags[STACK_TAG] == STACK_ID
    assert tags[RESOURCE_TAG] == LOGICAL_ID
    assert len(tags[CONFIGURATION_TAG]) == 64


def test_create_sends_every_property_in_the_apis_own_shape(
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
    assert only(service).name == "mine"
    assert only(service).parameters == {
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


def test_create_waits_until_its_reads_find_it(
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
    answer = cloudformation.send("Create", SANDBOX)
    assert (answer["Status"] == "SUCCESS") is created
    assert created or "not you" in answer["Reason"]
    assert len(service.interpreters) == created


def test_create_that_is_undone_by_somebody_else_fails(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    service.creating = ["CREATING", "gone"]
    answer = cloudformation.send("Create", SANDBOX)
    assert answer["Status"] == "FAILED"
    assert " is gone: " in answer["Reason"]


def test_create_that_fails_reports_awss_reason_and_leaves_nothing(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    service.creating = ["CREATING", "CREATE_FAILED"]
    service.failure_reason = "no such subnet"
    answer = cloudformation.send("Create", SANDBOX)
    assert "is CREATE_FAILED: no such subnet" in answer["Reason"]
    assert not service.interpreters


def test_create_that_runs_out_of_time_leaves_nothing(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    service.creating = ["CREATING"]
    service.deleting = ["DELETING"] * 10 + ["gone"]
    answer = cloudformation.send("Create", SANDBOX)
    assert "did not finish within the time" in answer["Reason"]
    assert not service.interpreters


@pytest.mark.parametrize(
    "error",
    [
        service_error("ValidationException", "CodeInterpreter role validation failed"),
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
    assert 10 < service.calls.count("create") < 40


@pytest.mark.parametrize("code", ["ServiceQuotaExceededException", "ValidationException"])
def test_create_does_not_wait_for_what_time_will_not_heal(
    service: FakeCodeInterpreters, cloudformation: CloudFormation, code: str
) -> None:
    service.create_errors = [service_error(code)]
    assert not cloudformation.create(SANDBOX)
    assert service.calls.count("create") == 1


def test_create_does_not_take_over_what_somebody_else_made(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    stranger = service.seed("mine")
    assert not cloudformation.create(NAMED)
    assert "ConflictException" in cloudformation.responses[0]["Reason"]
    assert only(service) is stranger


@pytest.mark.parametrize("properties", [SANDBOX, NAMED])
def test_a_refused_create_leaves_alone_what_was_retained(
    service: FakeCodeInterpreters, cloudformation: CloudFormation, properties: dict[str, Any]
) -> None:
    """It left the stack and was kept; now the resource is back in the template."""
    cloudformation.create(properties)
    retained = only(service)
    service.create_errors = [service_error("ConflictException")]
    assert not cloudformation.create(properties)
    assert only(service) is retained


# update


def test_a_change_of_tags_keeps_the_code_interpreter(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create({**SANDBOX, "Tags": {"a": "1", "b": "2"}})
    first_id = cloudformation.physical_id
    only(service).tags["by-hand"] = "kept"
    assert cloudformation.update({**SANDBOX, "Tags": {"b": "3", "c": "4"}})
    assert cloudformation.physical_id == first_id
    users = {k: v for k, v in only(service).tags.items() if ":" not in k}
    assert users == {"b": "3", "c": "4", "by-hand": "kept"}
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
def test_any_other_change_makes_a_new_one_and_then_removes_the_old_one(
    service: FakeCodeInterpreters,
    cloudformation: CloudFormation,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    cloudformation.create(before)
    old = only(service)
    assert cloudformation.update(after)
    new = only(service)
    assert new.id == cloudformation.physical_id != old.id
    assert new.name != old.name


def test_a_named_one_that_would_meet_its_own_name_is_refused_before_anything_happens(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(NAMED)
    one = only(service)
    assert not cloudformation.update({**NAMED, "Description": "new"})
    assert "change Name, too" in cloudformation.responses[1]["Reason"]
    assert only(service) is one
    assert service.calls.count("create") == 1


def test_what_was_deleted_by_hand_is_made_again(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(SANDBOX)
    service.interpreters.clear()
    assert cloudformation.update({**SANDBOX, "Tags": {"a": "1"}})
    assert only(service).id == cloudformation.physical_id


def test_a_failed_replacement_keeps_the_old_one(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(SANDBOX)
    old = only(service)
    service.creating = ["CREATE_FAILED"]
    assert not cloudformation.update(PUBLIC)
    assert only(service) is old


@pytest.mark.parametrize(("old", "new"), [(SANDBOX, PUBLIC), (NAMED, {**NAMED, "Name": "yours"})])
def test_a_rollback_after_a_replacement_returns_to_the_old_one(
    service: FakeCodeInterpreters,
    cloudformation: CloudFormation,
    old: dict[str, Any],
    new: dict[str, Any],
) -> None:
    """Another resource failed, so CloudFormation asks for the old properties again."""
    cloudformation.create(old)
    first, first_id = only(service), cloudformation.physical_id
    answer = cloudformation.send(
        "Update", new, PhysicalResourceId=first_id, OldResourceProperties=old
    )
    second_id = answer["PhysicalResourceId"]
    answer = cloudformation.send(
        "Update", old, PhysicalResourceId=second_id, OldResourceProperties=new
    )
    assert answer["PhysicalResourceId"] == first_id
    cloudformation.send_delete(second_id, new)
    assert only(service) is first


def test_a_rollback_returns_to_the_old_tags_too(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create({**SANDBOX, "Tags": {"a": "1"}})
    first, first_id = only(service), cloudformation.physical_id
    cloudformation.update({**SANDBOX, "Tags": {"b": "2"}})
    answer = cloudformation.send(
        "Update", PUBLIC, PhysicalResourceId=first_id, OldResourceProperties=SANDBOX
    )
    before = {**SANDBOX, "Tags": {"a": "1"}}
    cloudformation.send(
        "Update",
        before,
        PhysicalResourceId=answer["PhysicalResourceId"],
        OldResourceProperties={**PUBLIC, "Tags": {"b": "2"}},
    )
    assert {key: value for key, value in first.tags.items() if ":" not in key} == {"a": "1"}


def test_a_rollback_does_not_return_to_what_is_being_deleted(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(SANDBOX)
    first, first_id = only(service), cloudformation.physical_id
    answer = cloudformation.send(
        "Update", PUBLIC, PhysicalResourceId=first_id, OldResourceProperties=SANDBOX
    )
    first.statuses = ["DELETING"] * 3 + ["gone"]
    answer = cloudformation.send(
        "Update",
        SANDBOX,
        PhysicalResourceId=answer["PhysicalResourceId"],
        OldResourceProperties=PUBLIC,
    )
    assert answer["PhysicalResourceId"] != first_id
    assert service.interpreters[answer["PhysicalResourceId"]].statuses == ["READY"]


def test_a_template_that_stays_the_same_never_replaces(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    """Not even one whose tags were removed by hand."""
    cloudformation.create(SANDBOX)
    one = only(service)
    del one.tags[CONFIGURATION_TAG]
    assert cloudformation.update({**SANDBOX, "Tags": {"a": "1"}})
    assert only(service) is one
    assert CONFIGURATION_TAG in one.tags


def test_an_update_removes_what_a_failed_one_left(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(SANDBOX)
    one = only(service)
    service.seed("Demo_9", tags={STACK_TAG: STACK_ID, RESOURCE_TAG: LOGICAL_ID})
    assert cloudformation.update({**SANDBOX, "Tags": {"a": "1"}})
    assert only(service) is one


def test_an_update_leaves_alone_what_was_retained(
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
    only(service).sessions = {f"session{number}" for number in range(25)}
    cloudformation.delete()
    assert service.calls.count("stop_session") == 25
    assert not service.interpreters


def test_delete_tries_again_when_a_session_starts_in_between(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.create(SANDBOX)
    service.delete_errors = [service_error("ConflictException")] * 3
    cloudformation.delete()
    assert service.calls.count("delete") == 4
    assert not service.interpreters


@pytest.mark.parametrize("code", ["ConflictException", "ValidationException"])
def test_delete_waits_for_a_creation_that_is_still_running(
    service: FakeCodeInterpreters, cloudformation: CloudFormation, code: str
) -> None:
    one = service.seed("Demo_0", statuses=["CREATING", "CREATING", "READY"])
    service.delete_errors = [service_error(code)] * 2
    cloudformation.send_delete(one.id, SANDBOX)
    assert not service.interpreters


def test_delete_of_what_is_gone_succeeds(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.send_delete("Demo_0-0123456789", SANDBOX)
    assert service.calls == ["get"]


def test_delete_asks_for_nothing_that_is_under_way(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    one = service.seed("Demo_0", statuses=["DELETING", "DELETING", "gone"])
    cloudformation.send_delete(one.id, SANDBOX)
    assert set(service.calls) == {"get"}


def test_delete_that_takes_too_long_gets_its_response_in_time(
    service: FakeCodeInterpreters, function: InProcessFunction, cloudformation: CloudFormation
) -> None:
    one = service.seed("Demo_0", statuses=["DELETING"])
    answer = cloudformation.send("Delete", SANDBOX, PhysicalResourceId=one.id)
    assert answer["Status"] == "FAILED"
    assert function.seconds_left > 20


def test_delete_that_is_refused_to_the_end_says_why(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    one = service.seed("Demo_0")
    service.delete_errors = [service_error("ConflictException", "still in use")] * 1000
    answer = cloudformation.send("Delete", SANDBOX, PhysicalResourceId=one.id)
    assert answer["Status"] == "FAILED"
    assert "still in use (ConflictException" in answer["Reason"]


def test_delete_by_an_invented_id_removes_what_the_resource_owns_and_nothing_else(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    mine = {STACK_TAG: STACK_ID, RESOURCE_TAG: LOGICAL_ID}
    service.seed("Demo_1", tags=mine)
    others = [
        service.seed("Demo_2", tags={**mine, RESOURCE_TAG: "Other"}),
        service.seed("Demo_3", tags={**mine, STACK_TAG: "other"}),
        service.seed("Demo_4"),
        service.seed("Elsewhere_5", tags=mine),
    ]
    cloudformation.send_delete("Demo-Interpreter0A1B2C3D-1ABCDEF", SANDBOX)
    assert list(service.interpreters.values()) == others


def test_delete_by_an_invented_id_removes_all_that_the_resource_owns(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    for number in range(3):
        service.seed(f"Demo_{number}", tags={STACK_TAG: STACK_ID, RESOURCE_TAG: LOGICAL_ID})
    answer = cloudformation.send("Delete", SANDBOX, PhysicalResourceId="Demo-Interpreter-1ABCDEF")
    assert answer["Status"] == "SUCCESS"
    assert not service.interpreters


def test_delete_by_an_invented_id_fails_when_it_cannot_tell_whose_one_is(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    service.seed("Demo_0", tags={STACK_TAG: STACK_ID, RESOURCE_TAG: LOGICAL_ID})
    service.fault = (2, False, service_error("AccessDeniedException"))
    answer = cloudformation.send("Delete", SANDBOX, PhysicalResourceId="Demo-Interpreter-1ABCDEF")
    assert answer["Status"] == "FAILED"
    assert service.calls == ["all", "tags"]


def test_delete_never_touches_the_aws_managed_one(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    cloudformation.send_delete("aws.codeinterpreter.v1", SANDBOX)
    assert "delete" not in service.calls


def test_delete_that_aws_cannot_finish_says_why(
    service: FakeCodeInterpreters, cloudformation: CloudFormation
) -> None:
    one = service.seed("Demo_0")
    service.failure_reason = "in use"
    service.deleting = ["DELETE_FAILED"]
    answer = cloudformation.send("Delete", SANDBOX, PhysicalResourceId=one.id)
    assert answer["Status"] == "FAILED"
    assert "cannot be deleted: in use" in answer["Reason"]
