"""The files of the workspace when the stack is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Deploy
    from .deployment import Deployment


# `test_destroy.py` has a bucket that is kept, and used again.
KEPT = pytest.param("retain", True, marks=pytest.mark.slow)


@pytest.mark.parametrize(("retention", "kept"), [KEPT, ("destroy", False)])
def test_the_retention_setting_keeps_or_deletes_the_files(
    deployment: Deployment, deploy: Deploy, retention: str, kept: bool
) -> None:
    """CDK's own function empties the bucket, in Node and with the AWS SDK of Lambda."""
    deploy({"workspace-retention": retention})
    bucket = deployment.outputs()["WorkspaceBucketName"]
    written = deployment.invoke(
        tool="workspace_write", session="s", path="uploads/notes.txt", content="kept?"
    )
    assert written["status"] == "ok", written
    deployment.destroy()
    s3 = deployment.client("s3")
    assert (bucket in {found["Name"] for found in s3.list_buckets()["Buckets"]}) == kept
    if kept:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="workspace/s/")["Contents"]
        assert [file["Key"] for file in listed] == ["workspace/s/uploads/notes.txt"]
