"""The note of `make destroy` about the bucket that stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.project import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from local_aws import LocalAws


def note(local_aws: LocalAws, account: str, folder: Path) -> str:
    """Return the note after the CDK CLI worked with the assembly of `make destroy`."""
    return subprocess.run(
        [sys.executable, PROJECT / "local/kept_bucket.py"],
        cwd=folder,
        env={**os.environ, **local_aws.environment(account)},
        capture_output=True,
        text=True,
        check=True,
    ).stderr


def test_the_bucket_that_stays_is_named_with_its_setting(
    local_aws: LocalAws, account: str, tmp_path: Path
) -> None:
    stack = {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/us-east-1"}
    assembly = tmp_path / ".cache/destroy"
    assembly.mkdir(parents=True)
    (assembly / "manifest.json").write_text(json.dumps({"artifacts": {"Mine": stack}}))
    assert note(local_aws, account, tmp_path) == ""

    buckets = {policy: f"{policy.lower()}-{account}" for policy in ("Retain", "Delete")}
    resources = {
        policy: {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": policy,
            "Properties": {"BucketName": bucket},
        }
        for policy, bucket in buckets.items()
    }
    cloudformation = local_aws.client("cloudformation", account)
    cloudformation.create_stack(StackName="Mine", TemplateBody=json.dumps({"Resources": resources}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="Mine")
    cloudformation.delete_stack(StackName="Mine")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="Mine")
    text = note(local_aws, account, tmp_path)
    assert f"the bucket {buckets['Retain']} of the stack Mine is still there" in text
    assert f"-c code-interpreter:workspace-bucket-name={buckets['Retain']}" in text
    assert buckets["Delete"] not in text

    local_aws.client("s3", account).delete_bucket(Bucket=buckets["Retain"])
    assert note(local_aws, account, tmp_path) == ""
