"""What becomes of the files when the stack is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Deploy
    from .deployment import Deployment

# CDK's own function empties a bucket that is to go. It runs in Node, on the AWS SDK of Lambda.


@pytest.mark.parametrize(("retention", "kept"), [("retain", True), ("destroy", False)])
def test_the_files_stay_or_go(
    deployment: Deployment, deploy: Deploy, retention: str, kept: bool
) -> None:
    deploy({"workspace-retention": retention})
    bucket = deployment.outputs()["WorkspaceBucketName"]
    written = deployment.invoke(
        tool="workspace_write", session="s", path="uploads/notes.txt", content="kept?"
    )
    assert written["status"] == "ok", written
    deployment.destroy()
    s3 = deployment.client("s3")
    assert (bucket in {one["Name"] for one in s3.list_buckets()["Buckets"]}) == kept
    if kept:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="workspace/s/")["Contents"]
        assert [one["Key"] for one in listed] == ["workspace/s/uploads/notes.txt"]
