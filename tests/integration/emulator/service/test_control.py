"""The control plane, through boto3."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.emulator.serving import ACCOUNT, REGION, Served, serving

SANDBOX = {"networkMode": "SANDBOX"}
VPC = {
    "networkMode": "VPC",
    "vpcConfig": {"subnets": ["subnet-12345678"], "securityGroups": ["sg-12345678"]},
}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
EFS_PREFIX = f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}"
TOKEN = "t" * 33


def status(served: Served, interpreter_id: str) -> str:
    return str(served.control().get_code_interpreter(codeInterpreterId=interpreter_id)["status"])


def names(served: Served, **options: Any) -> list[str]:
    listed = served.control().list_code_interpreters(maxResults=100, **options)
    return [summary["name"] for summary in listed["codeInterpreterSummaries"]]


def refused(call: Any, **params: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(**params)
    response: dict[str, Any] = error.value.response
    return response


def test_create_returns_id_arn_and_creating(served: Served) -> None:
    created = served.control().create_code_interpreter(name="one", networkConfiguration=SANDBOX)
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert re.fullmatch(r"one-[a-zA-Z0-9]{10}", created["codeInterpreterId"])
    assert created["codeInterpreterArn"] == (
        f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}"
        f":code-interpreter-custom/{created['codeInterpreterId']}"
    )
    assert created["status"] == "CREATING"


def test_get_gives_back_the_configuration(served: Served) -> None:
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ca"
    configuration = {
        "description": "for sums",
        "executionRoleArn": ROLE,
        "networkConfiguration": VPC,
        "certificates": [{"location": {"secretsManager": {"secretArn": secret}}}],
        "filesystemConfigurations": [
            {
                "efsConfiguration": {
                    "accessPointArn": f"{EFS_PREFIX}:access-point/fsap-12345678",
                    "fileSystemArn": f"{EFS_PREFIX}:file-system/fs-12345678",
                    "mountPath": "/mnt/data",
                }
            }
        ],
    }
    interpreter_id = served.interpreter("full", **configuration)
    read = served.control().get_code_interpreter(codeInterpreterId=interpreter_id)
    assert {name: read[name] for name in configuration} == configuration
    assert read["name"] == "full"
    assert "failureReason" not in read


def test_statuses_follow_the_clock() -> None:
    with serving(create_seconds=60, ready_after_delete_seconds=30, delete_seconds=60) as served:
        interpreter_id = served.interpreter()
        assert status(served, interpreter_id) == "CREATING"
        served.advance(60)
        assert status(served, interpreter_id) == "READY"
        deleted = served.control().delete_code_interpreter(codeInterpreterId=interpreter_id)
        assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 202
        assert deleted["status"] == "DELETING"
        assert status(served, interpreter_id) == "READY"
        served.advance(30)
        assert status(served, interpreter_id) == "DELETING"
        assert "one" in names(served)
        served.advance(60)
        gone = refused(served.control().get_code_interpreter, codeInterpreterId=interpreter_id)
        assert gone["Error"]["Code"] == "ResourceNotFoundException"
        assert gone["ResponseMetadata"]["HTTPStatusCode"] == 404
        assert "one" not in names(served)


def test_last_updated_at_follows_the_status() -> None:
    with serving(create_seconds=60) as served:
        interpreter_id = served.interpreter()
        get = served.control().get_code_interpreter
        creating = get(codeInterpreterId=interpreter_id)
        assert creating["lastUpdatedAt"] == creating["createdAt"]
        served.advance(60)
        ready = get(codeInterpreterId=interpreter_id)
        assert (ready["lastUpdatedAt"] - ready["createdAt"]).total_seconds() == 60


def test_a_name_is_taken_until_its_interpreter_is_gone() -> None:
    with serving(ready_after_delete_seconds=10, delete_seconds=10) as served:
        first = served.interpreter("taken")
        create = served.control().create_code_interpreter
        params = {"name": "taken", "networkConfiguration": SANDBOX}
        assert refused(create, **params)["Error"]["Code"] == "ConflictException"
        served.control().delete_code_interpreter(codeInterpreterId=first)
        assert refused(create, **params)["ResponseMetadata"]["HTTPStatusCode"] == 409
        served.advance(20)
        assert create(**params)["codeInterpreterId"] != first


def test_accounts_and_regions_are_apart(served: Served) -> None:
    interpreter_id = served.interpreter("mine")
    for elsewhere in ({"account": "444455556666"}, {"region": "us-east-1"}):
        control = served.control(**elsewhere)
        unseen = refused(control.get_code_interpreter, codeInterpreterId=interpreter_id)
        assert unseen["Error"]["Code"] == "ResourceNotFoundException"
        assert control.list_code_interpreters()["codeInterpreterSummaries"] == []
        control.create_code_interpreter(name="mine", networkConfiguration=SANDBOX)
    assert names(served, type="CUSTOM") == ["mine"]


def test_client_token_creates_and_deletes_once(served: Served) -> None:
    control = served.control()
    params = {"name": "once", "networkConfiguration": SANDBOX, "clientToken": TOKEN}
    first, second = (control.create_code_interpreter(**params) for _ in range(2))
    assert first["codeInterpreterId"] == second["codeInterpreterId"]
    mismatch = refused(control.create_code_interpreter, **{**params, "name": "other"})
    assert mismatch["Error"]["Code"] == "ValidationException"
    assert mismatch["reason"] == "IdempotentParameterMismatchException"
    delete = {"codeInterpreterId": first["codeInterpreterId"], "clientToken": TOKEN}
    responses = [control.delete_code_interpreter(**delete) for _ in range(2)]
    assert responses[0]["lastUpdatedAt"] == responses[1]["lastUpdatedAt"]
    again = refused(control.delete_code_interpreter, codeInterpreterId=first["codeInterpreterId"])
    assert again["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize("setting", ["conflict", "accept"])
def test_delete_while_deleting(setting: str) -> None:
    with serving(delete_seconds=60, delete_while_deleting=setting) as served:
        interpreter_id = served.interpreter()
        delete = served.control().delete_code_interpreter
        first = delete(codeInterpreterId=interpreter_id)
        if setting == "accept":
            assert (
                delete(codeInterpreterId=interpreter_id)["lastUpdatedAt"] == first["lastUpdatedAt"]
            )
        else:
            code = refused(delete, codeInterpreterId=interpreter_id)["Error"]["Code"]
            assert code == "ConflictException"


def test_the_system_interpreter_is_always_ready_and_cannot_be_deleted(served: Served) -> None:
    control = served.control()
    system = control.get_code_interpreter(codeInterpreterId="aws.codeinterpreter.v1")
    assert system["codeInterpreterArn"] == (
        f"arn:aws:bedrock-agentcore:{REGION}:aws:code-interpreter/aws.codeinterpreter.v1"
    )
    assert (system["status"], system["networkConfiguration"]) == ("READY", SANDBOX)
    delete = refused(control.delete_code_interpreter, codeInterpreterId="aws.codeinterpreter.v1")
    assert delete["Error"]["Code"] == "AccessDeniedException"


def test_list_pages_and_filters(served: Served) -> None:
    control = served.control()
    made = {f"i{number}" for number in range(5)}
    for name in made:
        served.interpreter(name)
    paginator = control.get_paginator("list_code_interpreters")
    paged = list(paginator.paginate(type="CUSTOM", PaginationConfig={"PageSize": 2}))
    assert [len(page["codeInterpreterSummaries"]) for page in paged] == [2, 2, 1]
    assert {
        summary["name"] for page in paged for summary in page["codeInterpreterSummaries"]
    } == made
    assert names(served, type="SYSTEM") == ["Amazon Bedrock AgentCore Code Interpreter"]
    assert set(names(served)) == made


def test_tags(served: Served) -> None:
    control = served.control()
    arn = control.create_code_interpreter(
        name="tagged", networkConfiguration=SANDBOX, tags={"a": "1", "b": "2"}
    )["codeInterpreterArn"]
    tagged = control.tag_resource(resourceArn=arn, tags={"b": "3", "c": ""})
    assert tagged["ResponseMetadata"]["HTTPStatusCode"] == 204
    untagged = control.untag_resource(resourceArn=arn, tagKeys=["a", "unknown"])
    assert untagged["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert control.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "3", "c": ""}
    too_many = refused(
        control.tag_resource, resourceArn=arn, tags={f"k{number}": "" for number in range(49)}
    )
    assert too_many["Error"]["Code"] == "ServiceQuotaExceededException"
    assert control.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "3", "c": ""}


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        # The model's pattern asks for a 12-digit account.
        (
            f"arn:aws:bedrock-agentcore:{REGION}:aws:code-interpreter/aws.codeinterpreter.v1",
            "ValidationException",
        ),
        (
            f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:code-interpreter-custom/no-0123456789",
            "ResourceNotFoundException",
        ),
        (
            f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:code-interpreter/no-0123456789",
            "ResourceNotFoundException",
        ),
    ],
)
def test_resources_without_tags(served: Served, arn: str, code: str) -> None:
    response = refused(served.control().list_tags_for_resource, resourceArn=arn)
    assert response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("wrong", "account"),
    [
        (("custom", "custom"), "444455556666"),
        ((ACCOUNT, "444455556666"), ACCOUNT),
        ((REGION, "us-east-1"), ACCOUNT),
        (("code-interpreter-custom", "code-interpreter"), ACCOUNT),
    ],
)
def test_tags_under_an_arn_that_is_not_the_callers(
    served: Served, wrong: tuple[str, str], account: str
) -> None:
    created = served.control().create_code_interpreter(name="one", networkConfiguration=SANDBOX)
    arn = created["codeInterpreterArn"].replace(*wrong)
    response = refused(served.control(account=account).list_tags_for_resource, resourceArn=arn)
    assert response["Error"]["Code"] == "ResourceNotFoundException"


def test_quota_of_interpreters() -> None:
    with serving(enforce_quotas=True, interpreters_per_account=1) as served:
        served.interpreter("first")
        create = served.control().create_code_interpreter
        response = refused(create, name="second", networkConfiguration=SANDBOX)
        assert response["Error"]["Code"] == "ServiceQuotaExceededException"
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 402
        served.control(account="444455556666").create_code_interpreter(
            name="second", networkConfiguration=SANDBOX
        )


@pytest.mark.parametrize("mode", ["conflict", "terminate"])
def test_delete_with_a_ready_session(mode: str) -> None:
    with serving(delete_with_ready_sessions=mode) as served:
        interpreter_id = served.interpreter()
        served.session(codeInterpreterIdentifier=interpreter_id)
        delete = served.control().delete_code_interpreter
        if mode == "conflict":
            response = refused(delete, codeInterpreterId=interpreter_id)
            assert response["Error"]["Code"] == "ConflictException"
            assert response["Error"]["Message"].endswith("There are 1 active sessions")
            assert status(served, interpreter_id) == "READY"
        else:
            delete(codeInterpreterId=interpreter_id)
        assert served.sandboxes[0].closed == (mode == "terminate")
