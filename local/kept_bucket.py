"""Name the buckets that a stack left when it was destroyed, and how to use them again.

`make destroy` runs this program after the CDK CLI. The workspace's bucket stays by default, because
its files belong to users, and its name is otherwise gone with the stack's outputs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from deployed_stacks import read_profile, read_regions

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTE = """\
note: the bucket {bucket} of the stack {stack} is still there, with its files.
      The next deployment uses it with
      make deploy CONTEXT="-c code-interpreter:workspace-bucket-name={bucket}"
"""


def main() -> None:
    for stack, region in read_regions(".cache/destroy").items():
        try:
            session = boto3.Session(profile_name=read_profile(), region_name=region)
            for bucket in kept_buckets(stack, session):
                sys.stderr.write(NOTE.format(bucket=bucket, stack=stack))
        except (BotoCoreError, ClientError):
            continue  # no permission to look; the CDK CLI has reported the rest


def kept_buckets(stack: str, session: boto3.Session) -> Iterator[str]:
    """Yield the names of the buckets that deletions of the stack left, in the last 90 days."""
    cloudformation = session.client("cloudformation")
    pages = cloudformation.get_paginator("list_stacks").paginate()
    found = [
        each for page in pages for each in page["StackSummaries"] if each["StackName"] == stack
    ]
    if not found or any(summary["StackStatus"] != "DELETE_COMPLETE" for summary in found):
        return  # the stack is still there
    events = cloudformation.get_paginator("describe_stack_events")
    buckets = {
        event["PhysicalResourceId"]
        for summary in found
        for page in events.paginate(StackName=summary["StackId"])
        for event in page["StackEvents"]
        if event["ResourceType"] == "AWS::S3::Bucket"
        and event["ResourceStatus"] == "DELETE_SKIPPED"
    }
    s3 = session.client("s3")
    yield from sorted(bucket for bucket in buckets if exists(s3, bucket))


def exists(s3: Any, bucket: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        return False
    return True


if __name__ == "__main__":
    main()
