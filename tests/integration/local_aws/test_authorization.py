"""The code interpreter's API obeys IAM policies, and every decision is recorded."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local_aws import LocalAws

    UserClient = Callable[..., Any]

SANDBOX = {"networkMode": "SANDBOX"}
CREATE = "bedrock-agentcore:CreateCodeInterpreter"


@pytest.fixture
def control_as(local_aws: LocalAws, account: str) -> UserClient:
    """Return a function that makes a control-plane client of a user with a policy."""
    iam = local_aws.client("iam", account)

    def control_as(*statements: dict[str, Any]) -> Any:
        iam.create_user(UserName="user")
        policy = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", **s} for s in statements],
        }
        iam.put_user_policy(UserName="user", PolicyName="all", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName="user")["AccessKey"]
        return boto3.client(
            "bedrock-agentcore-control",
            endpoint_url=local_aws.endpoint,
            region_name="us-east-1",
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    return control_as


def test_a_call_that_no_policy_allows_is_denied(control_as: UserClient) -> None:
    control = control_as({"Action": "bedrock-agentcore:ListCodeInterpreters", "Resource": "*"})
    control.list_code_interpreters()
    with pytest.raises(ClientError, match=r"AccessDenied.*user/user is not authorized.*Create"):
        control.create_code_interpreter(name="a", networkConfiguration=SANDBOX)


def test_conditions_on_request_tags_are_evaluated(control_as: UserClient) -> None:
    control = control_as(
        {
            "Action": CREATE,
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestTag/owner": "me"}},
        }
    )
    control.create_code_interpreter(name="a", networkConfiguration=SANDBOX, tags={"owner": "me"})
    for tags in ({"owner": "you"}, {}):
        with pytest.raises(ClientError, match="AccessDenied"):
            control.create_code_interpreter(name="b", networkConfiguration=SANDBOX, tags=tags)


def test_conditions_on_resource_tags_are_evaluated(
    local_aws: LocalAws, account: str, control_as: UserClient
) -> None:
    root = local_aws.client("bedrock-agentcore-control", account)
    mine, yours = (
        root.create_code_interpreter(
            name=owner, networkConfiguration=SANDBOX, tags={"owner": owner}
        )["codeInterpreterId"]
        for owner in ("me", "you")
    )
    # Policies see the tags from then on.
    wait_until_ready(local_aws, account, mine)
    control = control_as(
        {
            "Action": "bedrock-agentcore:GetCodeInterpreter",
            "Resource": f"arn:aws:bedrock-agentcore:us-east-1:{account}:code-interpreter-custom/*",
            "Condition": {"StringEquals": {"aws:ResourceTag/owner": "me"}},
        }
    )
    assert control.get_code_interpreter(codeInterpreterId=mine)["name"] == "me"
    with pytest.raises(ClientError, match="AccessDenied"):
        control.get_code_interpreter(codeInterpreterId=yours)


def test_conditions_on_subnets_are_evaluated(control_as: UserClient) -> None:
    control = control_as(
        {
            "Action": CREATE,
            "Resource": "*",
            "Condition": {
                "ForAllValues:StringEquals": {"bedrock-agentcore:subnets": ["subnet-0123456789"]}
            },
        }
    )
    for subnet, allowed in (("subnet-0123456789", True), ("subnet-9876543210", False)):
        vpc = {"subnets": [subnet], "securityGroups": ["sg-0123456789"]}
        network = {"networkMode": "VPC", "vpcConfig": vpc}
        name = subnet.replace("-", "_")
        if allowed:
            control.create_code_interpreter(name=name, networkConfiguration=network)
        else:
            with pytest.raises(ClientError, match="AccessDenied"):
                control.create_code_interpreter(name=name, networkConfiguration=network)


def test_every_decision_is_recorded(
    local_aws: LocalAws, account: str, control_as: UserClient
) -> None:
    control = control_as({"Action": CREATE, "Resource": "*"})
    created = control.create_code_interpreter(
        name="a", networkConfiguration=SANDBOX, tags={"Owner": "me"}
    )
    with pytest.raises(ClientError):
        control.get_code_interpreter(codeInterpreterId=created["codeInterpreterId"])
    principal = f"arn:aws:iam::{account}:user/user"
    own = [
        decision for decision in local_aws.access_decisions() if decision["principal"] == principal
    ]
    assert [(d["action"], d["resource"], d["decision"]) for d in own] == [
        (CREATE, "*", "Allow"),
        (
            "bedrock-agentcore:GetCodeInterpreter",
            created["codeInterpreterArn"],
            "ImplicitDeny",
        ),
    ]
    assert own[0]["region"] == "us-east-1"
    assert own[0]["context"] == {"aws:requesttag/owner": "me", "aws:tagkeys": ["Owner"]}


SERVICE = "bedrock-agentcore.amazonaws.com"
EFS = "arn:aws:elasticfilesystem:us-east-1:{account}:"
S3_FILES = "arn:aws:s3files:us-east-1:{account}:file-system/fs-0123456789abcdef0"
FILESYSTEMS = {
    "elasticfilesystem": {
        "efsConfiguration": {
            "accessPointArn": EFS + "access-point/fsap-0123456789abcdef0",
            "fileSystemArn": EFS + "file-system/fs-0123456789abcdef0",
            "mountPath": "/mnt/data",
        }
    },
    "s3files": {
        "s3FilesConfiguration": {
            "accessPointArn": S3_FILES + "/access-point/fsap-0123456789abcdef0",
            "fileSystemArn": S3_FILES,
            "mountPath": "/mnt/data",
        }
    },
}


def trust(account: str, service: str = SERVICE, sources: Sequence[str] = ("one-*", "one")) -> str:
    arn = f"arn:aws:bedrock-agentcore:us-east-1:{account}:code-interpreter-custom/"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": [arn + source for source in sources]},
        },
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    "changes",
    [
        {"service": "lambda.amazonaws.com"},
        {"sources": ["other-*", "other"]},
        # The service may validate the role before there is an id.
        {"sources": ["one-*"]},
        {"sources": ["one"]},
        None,
    ],
)
def test_an_execution_role_that_the_service_cannot_assume_is_refused(
    local_aws: LocalAws, account: str, changes: dict[str, Any] | None
) -> None:
    iam = local_aws.client("iam", account)
    control = local_aws.client("bedrock-agentcore-control", account)

    def create(role: str) -> Any:
        arn = f"arn:aws:iam::{account}:role/{role}"
        return control.create_code_interpreter(
            name="one", networkConfiguration=SANDBOX, executionRoleArn=arn
        )

    if changes is not None:
        iam.create_role(RoleName="bad", AssumeRolePolicyDocument=trust(account, **changes))
    with pytest.raises(ClientError, match="CodeInterpreter role validation failed") as refused:
        create("bad")
    if changes is not None:
        last = local_aws.access_decisions()[-1]
        assert (last["principal"], last["action"]) == (SERVICE, "sts:AssumeRole")
        assert last["decision"] == "ImplicitDeny"
        assert last["context"]["aws:sourceaccount"] == account
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    iam.create_role(RoleName="good", AssumeRolePolicyDocument=trust(account))
    assert create("good")["status"] == "CREATING"


@pytest.mark.parametrize(
    ("service", "mounting", "describing"),
    [
        (
            "elasticfilesystem",
            ["ClientMount", "ClientWrite"],
            ["DescribeAccessPoints", "DescribeMountTargets"],
        ),
        ("s3files", ["ClientMount", "ClientWrite"], ["GetAccessPoint", "ListMountTargets"]),
    ],
)
def test_a_session_whose_role_may_not_mount_its_filesystem_does_not_start(
    local_aws: LocalAws, account: str, service: str, mounting: list[str], describing: list[str]
) -> None:
    iam = local_aws.client("iam", account)
    iam.create_role(RoleName="mounts", AssumeRolePolicyDocument=trust(account))
    vpc = {"subnets": ["subnet-0123456789"], "securityGroups": ["sg-0123456789"]}
    filesystem = json.loads(json.dumps(FILESYSTEMS[service]).replace("{account}", account))
    [target] = filesystem.values()
    interpreter = local_aws.client("bedrock-agentcore-control", account).create_code_interpreter(
        name="one",
        networkConfiguration={"networkMode": "VPC", "vpcConfig": vpc},
        executionRoleArn=f"arn:aws:iam::{account}:role/mounts",
    )
    data = local_aws.client("bedrock-agentcore", account)

    def start() -> Any:
        return data.start_code_interpreter_session(
            codeInterpreterIdentifier=interpreter["codeInterpreterId"],
            filesystemConfigurations=[filesystem],
        )

    def allow(missing: str) -> None:
        condition = {"StringEquals": {f"{service}:AccessPointArn": target["accessPointArn"]}}
        resources = [target["fileSystemArn"], target["accessPointArn"]]
        statements = [
            {
                "Effect": "Allow",
                "Action": [f"{service}:{name}" for name in names if name != missing],
                "Resource": resources,
                **conditions,
            }
            for names, conditions in ((mounting, {"Condition": condition}), (describing, {}))
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName="mounts", PolicyName="mounts", PolicyDocument=policy)

    wait_until_ready(local_aws, account, interpreter["codeInterpreterId"])
    for missing in (*mounting, *describing):
        allow(missing)
        with pytest.raises(ClientError, match=r"AccessDenied.*is not allowed to mount"):
            start()
    allow("nothing")
    session = start()
    data.stop_code_interpreter_session(
        codeInterpreterIdentifier=interpreter["codeInterpreterId"], sessionId=session["sessionId"]
    )


def wait_until_ready(local_aws: LocalAws, account: str, interpreter_id: str) -> None:
    control = local_aws.client("bedrock-agentcore-control", account)
    deadline = time.monotonic() + 20
    while control.get_code_interpreter(codeInterpreterId=interpreter_id)["status"] != "READY":
        assert time.monotonic() < deadline
        time.sleep(0.05)
