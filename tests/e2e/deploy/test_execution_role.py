"""A user's program has the permissions of the interpreter's execution role, and no others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Deploy
    from .deployment import Deployment

LIST_BUCKETS = """
import boto3
s3 = boto3.client("s3")
print([bucket["Name"] for bucket in s3.list_buckets()["Buckets"]])
"""


def test_programs_and_commands_have_the_roles_permissions(
    deployment: Deployment, deploy: Deploy
) -> None:
    iam = deployment.client("iam")
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    policy = iam.create_policy(
        PolicyName="lists-buckets",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}),
    )["Policy"]["Arn"]
    deploy({"managed-policy-arns": [policy]})
    bucket = deployment.outputs()["WorkspaceBucketName"]

    response = deployment.invoke(tool="execute_code", session="s", code=LIST_BUCKETS)
    assert (response["status"], bucket in response["stdout"]) == ("ok", True)
    response = deployment.invoke(tool="execute_command", session="s", command="aws s3 ls")
    assert (response["status"], bucket in response["stdout"]) == ("ok", True)
    # The function may read the bucket, and the program may not.
    code = f"s3.list_objects_v2(Bucket={bucket!r})"
    response = deployment.invoke(tool="execute_code", session="s", code=code)
    assert response["status"] == "error"
    assert "AccessDenied" in json.dumps(response)
