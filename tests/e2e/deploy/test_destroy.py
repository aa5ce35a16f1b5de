"""`make deploy` names what it leaves, and `make destroy` removes it with any settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local_aws.cdk import Cdk
from local_aws.local_aws import ACCOUNT
from tests.project import PROJECT

from .deployment import Deployment, synthesise_project

if TYPE_CHECKING:
    from local_aws import LocalAws

    from .conftest import Deploy

VPC = {"network": "vpc", "vpc-internet": True}


def note(local_aws: LocalAws, directory: Path) -> str:
    """Return the note of `make deploy` after the deployment of the assembly in a folder."""
    return subprocess.run(
        [sys.executable, PROJECT / "local/unused_network.py"],
        cwd=directory,
        env={**os.environ, **local_aws.environment()},
        capture_output=True,
        text=True,
        check=True,
    ).stderr


@pytest.mark.slow
def test_a_network_that_is_no_longer_used_is_named_and_destroyed(
    local_aws: LocalAws, tmp_path: Path
) -> None:
    deployment = Deployment(local_aws, ACCOUNT)
    for name, settings in {"vpc": VPC, "sandbox": {}}.items():
        deployment.deploy(synthesise_project(tmp_path / name / "cdk.out", settings))
    assert note(local_aws, tmp_path / "vpc") == ""
    assert "1.20 USD a day" in note(local_aws, tmp_path / "sandbox")
    assert "make destroy-network" in note(local_aws, tmp_path / "sandbox")
    Cdk(local_aws, tmp_path / "home", PROJECT).destroy(app="python -m stacks.destroy")
    for stack in ("CodeInterpreter", "CodeInterpreterNetwork"):
        assert deployment.status(stack) == "DELETE_COMPLETE"
    assert note(local_aws, tmp_path / "sandbox") == ""


@pytest.mark.slow
def test_a_deployment_with_a_name_is_destroyed_alone(local_aws: LocalAws, tmp_path: Path) -> None:
    deployment = Deployment(local_aws, ACCOUNT)
    name = {"stack-name": "Analysis"}
    everything: dict[str, dict[str, Any]] = {"unnamed": {}, "vpc": {**VPC, **name}, "named": name}
    for folder, settings in everything.items():
        deployment.deploy(synthesise_project(tmp_path / folder / "cdk.out", settings))
    assert "the stack AnalysisNetwork is still there" in note(local_aws, tmp_path / "named")
    assert "make destroy-network, with the CONTEXT" in note(local_aws, tmp_path / "named")
    assert note(local_aws, tmp_path / "unnamed") == ""
    cdk = Cdk(local_aws, tmp_path / "home", PROJECT)
    context = ("--context", "code-interpreter:stack-name=Analysis")
    cdk.destroy(*context, app="python -m stacks.destroy network")
    assert deployment.status("AnalysisNetwork") == "DELETE_COMPLETE"
    assert deployment.status("Analysis") == "UPDATE_COMPLETE"
    cdk.destroy(*context, app="python -m stacks.destroy")
    assert deployment.status("Analysis") == "DELETE_COMPLETE"
    assert deployment.works()
    cdk.destroy(app="python -m stacks.destroy")


def test_the_bucket_of_an_earlier_deployment_is_used_again(
    deployment: Deployment, deploy: Deploy
) -> None:
    """The bucket is kept, also when an earlier setting was to destroy it."""
    for retention in ("destroy", "retain"):
        deploy({"workspace-retention": retention})
    bucket = deployment.outputs()["WorkspaceBucketName"]
    written = deployment.invoke(
        tool="workspace_write", session="s", path="uploads/notes.txt", content="kept"
    )
    assert written["status"] == "ok", written
    deployment.destroy()
    deploy({"workspace-bucket-name": bucket})
    assert deployment.outputs()["WorkspaceBucketName"] == bucket
    read = deployment.invoke(tool="execute_command", session="s", command="cat notes.txt")
    assert read["stdout"] == "kept"
    policy = deployment.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    assert "aws:SecureTransport" in policy
    deployment.destroy()
    assert bucket in str(deployment.client("s3").list_buckets()["Buckets"])


@pytest.mark.slow
def test_a_bucket_that_was_to_be_kept_can_be_destroyed(
    deployment: Deployment, deploy: Deploy
) -> None:
    for retention in ("retain", "destroy"):
        deploy({"workspace-retention": retention})
    bucket = deployment.outputs()["WorkspaceBucketName"]
    deployment.invoke(tool="workspace_write", session="s", path="uploads/a.txt", content="a")
    deployment.destroy()
    assert bucket not in str(deployment.client("s3").list_buckets()["Buckets"])
