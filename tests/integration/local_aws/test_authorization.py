"""Our routes obey IAM policies like MiniStack's own, and every decision is on record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_aws import LocalAws

    UserClient = Callable[..., Any]

SANDBOX = {"networkMode": "SANDBOX"}
CREATE = "bedrock-agentcore:CreateCodeInterpreter"


@pytest.fixture
def control_as(local_aws: LocalAws, account: str) -> UserClient:
    """A control-plane client of a user with exactly these policy statements."""
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


def test_what_no_policy_allows_is_denied(control_as: UserClient) -> None:
    control = control_as({"Action": "bedrock-agentcore:ListCodeInterpreters", "Resource": "*"})
    control.list_code_interpreters()
    with pytest.raises(ClientError, match=r"AccessDenied.*user/user is not authorized.*Create"):
        control.create_code_interpreter(name="a", networkConfiguration=SANDBOX)


def test_request_tags_are_conditions(control_as: UserClient) -> None:
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


def test_resource_tags_are_conditions(
    local_aws: LocalAws, account: str, control_as: UserClient
) -> None:
    root = local_aws.client("bedrock-agentcore-control", account)
    mine, yours = (
        root.create_code_interpreter(
            name=owner, networkConfiguration=SANDBOX, tags={"owner": owner}
        )["codeInterpreterId"]
        for owner in ("me", "you")
    )
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


def test_subnets_are_conditions(control_as: UserClient) -> None:
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
    created = control.create_code_interpreter(name="a", networkConfiguration=SANDBOX)
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
