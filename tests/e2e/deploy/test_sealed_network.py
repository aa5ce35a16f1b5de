"""The sealed network, deployed, used and destroyed."""

from __future__ import annotations

import json
import sys
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

from .deployment import Deployment, synthesise, synthesise_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local_aws import LocalAws

SEALED = {"network": "sealed", "workspace-retention": "destroy"}
# In bytes; the service takes less in one operation.
LARGE = 10_000_000
STACKS = ("CodeInterpreter", "CodeInterpreterNetwork")


@pytest.fixture(scope="module")
def deployment(
    local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Deploy the sealed network for the tests of this module, and destroy it after them."""
    deployment = Deployment(local_aws, "200000000017")
    deployment.deploy(synthesise_project(tmp_path_factory.mktemp("assembly"), SEALED))
    yield deployment
    deployment.destroy()
    assert [deployment.status(stack) for stack in STACKS] == ["DELETE_COMPLETE"] * 2
    assert deployment.client("ec2").describe_vpc_endpoints()["VpcEndpoints"] == []


def test_the_code_interpreter_is_in_the_sealed_network(deployment: Deployment) -> None:
    network = deployment.only()["networkConfiguration"]
    assert network["networkMode"] == "VPC"
    made = set(deployment.resources("CodeInterpreterNetwork").values())
    assert {*network["vpcConfig"]["subnets"], *network["vpcConfig"]["securityGroups"]} <= made
    assert deployment.works()


def test_files_move_through_the_function_and_no_link_works(deployment: Deployment) -> None:
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


@pytest.mark.skipif(
    sys.platform != "linux", reason="the local AWS finds the sandbox of a connection in /proc"
)
def test_code_reaches_the_workspace_through_the_endpoint_and_no_other_bucket(
    deployment: Deployment,
) -> None:
    s3 = deployment.client("s3", config=Config(signature_version="s3v4"))
    bucket, key = deployment.outputs()["WorkspaceBucketName"], "workspace/large/uploads/large.bin"
    s3.put_object(Bucket=bucket, Key=key, Body=b"x" * LARGE)
    read = deployment.invoke(tool="execute_command", session="large", command="wc -c < large.bin")
    assert read["stdout"].strip() == str(LARGE)
    # The sandbox has read the file itself: the function would need several requests.
    assert [
        decision["decision"]
        for decision in deployment.decisions(deployment.role_of("InvokeFunction"))
        if (decision["action"], decision["resource"])
        == ("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
    ] == ["Allow"]

    other = f"other-{deployment.account}"
    s3.create_bucket(Bucket=other)
    s3.put_object(Bucket=other, Key="key", Body=b"secret")
    target = {"Bucket": other, "Key": "key"}
    url = s3.generate_presigned_url("get_object", Params=target, ExpiresIn=60)
    assert status_of(url) == 200
    code = f"import urllib.request\nprint(urllib.request.urlopen({url!r}).read())"
    refused = deployment.invoke(tool="execute_code", session="large", code=code)
    assert "403" in refused["error"]["message"]


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
