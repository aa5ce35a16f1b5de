"""The sealed network, deployed, used and destroyed."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

import app as project
from local_aws.cdk import Cdk
from local_aws.local_aws import ACCOUNT, REGION
from tests.integration.test_app import namespaced
from tests.unit.constructs.everything import recommended_flags

from .deployment import Deployment, synthesise

if TYPE_CHECKING:
    from pathlib import Path

    from local_aws import LocalAws

    from .conftest import Deploy

SEALED = {"network": "sealed", "workspace-retention": "destroy"}
STACKS = ("CodeInterpreter", "CodeInterpreterNetwork")


def test_the_sealed_network_is_deployed_used_and_destroyed(
    deployment: Deployment, deploy: Deploy
) -> None:
    deploy(SEALED)
    network = deployment.only()["networkConfiguration"]
    assert network["networkMode"] == "VPC"
    made = set(deployment.resources("CodeInterpreterNetwork").values())
    assert {*network["vpcConfig"]["subnets"], *network["vpcConfig"]["securityGroups"]} <= made
    assert deployment.works()

    link = deployment.invoke(
        tool="workspace_link", session="s", path="uploads/a.txt", direction="upload", size=1
    )
    assert link["error"]["type"] == "InvalidRequest"
    assert "network is sealed" in link["error"]["message"]
    written = deployment.invoke(
        tool="workspace_write", session="s", path="uploads/a.txt", content="kept"
    )
    assert written["status"] == "ok", written
    read = deployment.invoke(tool="execute_command", session="s", command="cat a.txt")
    assert read["stdout"] == "kept"
    assert status_of(link_of_function(deployment, "workspace/s/uploads/a.txt")) == 403

    deployment.destroy()
    assert [deployment.status(stack) for stack in STACKS] == ["DELETE_COMPLETE"] * 2
    assert deployment.client("ec2").describe_vpc_endpoints()["VpcEndpoints"] == []


@pytest.mark.parametrize(
    "settings", [{}, {"sealed-data-path": False}], ids=["data path", "no data path"]
)
@pytest.mark.slow
def test_the_cli_deploys_and_destroys_the_sealed_stacks_in_order(
    local_aws: LocalAws, tmp_path: Path, settings: dict[str, object]
) -> None:
    deployment = Deployment(local_aws, ACCOUNT)
    context = {**recommended_flags(), **namespaced({**SEALED, **settings})}
    assembly = synthesise(project.build, tmp_path / "cdk.out", **context).directory
    assets = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
    deployment.client("s3").create_bucket(Bucket=assets)
    cdk = Cdk(local_aws, tmp_path)
    cdk.deploy(f"--app={assembly}")
    assert deployment.works()
    destroy = ("destroy", "--exclusively", "--force", f"--app={assembly}")
    cdk.run(*destroy, "CodeInterpreter")
    assert deployment.status("CodeInterpreter") == "DELETE_COMPLETE"
    assert deployment.status("CodeInterpreterNetwork") == "CREATE_COMPLETE"
    cdk.run(*destroy, "CodeInterpreterNetwork")
    assert deployment.status("CodeInterpreterNetwork") == "DELETE_COMPLETE"
    assert deployment.code_interpreters() == {}


def link_of_function(deployment: Deployment, key: str) -> str:
    """Return a URL for a file, signed with the permissions of the invoke function."""
    iam, sts = deployment.client("iam"), deployment.client("sts")
    role = iam.get_role(RoleName=deployment.role_of("InvokeFunction"))["Role"]
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"AWS": f"arn:aws:iam::{deployment.account}:root"},
            }
        ],
    }
    iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=json.dumps(trust))
    keys = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="link")["Credentials"]
    s3 = boto3.client(
        "s3",
        endpoint_url=deployment.aws.endpoint,
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(signature_version="s3v4"),
    )
    target = {"Bucket": deployment.outputs()["WorkspaceBucketName"], "Key": key}
    # The same permissions read the file with a signature in the headers.
    assert s3.get_object(**target)["Body"].read() == b"kept"
    url: str = s3.generate_presigned_url("get_object", Params=target, ExpiresIn=60)
    return url


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
