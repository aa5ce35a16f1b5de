"""Updating a function lets its running invocations finish, as in AWS."""

from __future__ import annotations

import io
import json
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local_aws import LocalAws

BUCKET = "meeting-point"
# The function reports that it runs, then waits until the test ends it.
CODE = """
import boto3, os, time
bucket = os.environ["BUCKET"]
def handler(event, context):
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="running")
    while "end" not in [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]]:
        time.sleep(0.05)
    return bucket, os.getpid()
"""
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


class Function:
    """A function with the same name in every account, and the bucket that it uses."""

    def __init__(self, aws: LocalAws, account: str) -> None:
        self.bucket = f"{BUCKET}-{account}"
        self.s3 = aws.client("s3", account)
        self.s3.create_bucket(Bucket=self.bucket)
        iam = aws.client("iam", account)
        role = iam.create_role(RoleName="role", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
        iam.put_role_policy(
            RoleName="role", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING)
        )
        self.client = aws.client("lambda", account)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("index.py", CODE)
        self.client.create_function(
            FunctionName="function",
            Runtime="python3.14",
            Role=role["Arn"],
            Handler="index.handler",
            Code={"ZipFile": buffer.getvalue()},
            Timeout=30,
            Environment={"Variables": {"BUCKET": self.bucket}},
        )

    def invoke(self) -> Any:
        response = self.client.invoke(FunctionName="function")
        result = json.load(response["Payload"])
        assert "FunctionError" not in response, result
        return result

    def wait_until_running(self) -> None:
        while not self.s3.list_objects_v2(Bucket=self.bucket).get("Contents"):
            time.sleep(0.05)

    def end(self) -> None:
        self.s3.put_object(Bucket=self.bucket, Key="end")

    def change(self) -> None:
        self.client.update_function_configuration(FunctionName="function", Timeout=29)


def test_a_running_invocation_finishes_in_its_environment(
    local_aws: LocalAws, account: str
) -> None:
    function = Function(local_aws, account)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(function.invoke)
        function.wait_until_running()
        function.change()
        function.end()
        bucket, process = running.result()
    assert bucket == function.bucket
    assert function.invoke()[1] != process


def test_the_function_of_the_same_name_in_another_account_keeps_its_environment(
    local_aws: LocalAws, account: str
) -> None:
    mine = Function(local_aws, account)
    yours = Function(local_aws, str(int(account) + 500_000_000_000))
    mine.end()
    before = mine.invoke()
    yours.change()
    assert mine.invoke() == before
