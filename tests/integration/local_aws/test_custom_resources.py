"""Custom resources in the local AWS get the events that CloudFormation and Lambda send."""

from __future__ import annotations

import contextlib
import json
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

if TYPE_CHECKING:
    from local_aws import LocalAws

# The handler records every event in a bucket, then follows the property `Behaviour`.
HANDLER = textwrap.dedent("""
    import boto3, json, os, urllib.request
    s3 = boto3.client("s3")

    def handler(event, context):
        bucket, behaviour = os.environ["BUCKET"], event["ResourceProperties"]["Behaviour"]
        count = len(s3.list_objects_v2(Bucket=bucket).get("Contents", []))
        record = [event["RequestType"], event.get("PhysicalResourceId")]
        s3.put_object(Bucket=bucket, Key=str(count), Body=json.dumps(record))
        if behaviour == "die once" and count == 0:
            os._exit(1)
        if behaviour == "raise" and event["RequestType"] == "Create":
            raise RuntimeError("it cannot go on")
        failed = behaviour == "fail" and event["RequestType"] == "Create"
        response = {
            "Status": "FAILED" if failed else "SUCCESS",
            "Reason": "it must fail",
            "PhysicalResourceId": "made-1",
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
        }
        urllib.request.urlopen(urllib.request.Request(
            event["ResponseURL"], json.dumps(response).encode(), method="PUT"))
""")


def template(behaviour: str) -> str:
    resources = {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
                "Policies": [
                    {
                        "PolicyName": "all",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
                        },
                    }
                ],
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.14",
                "Handler": "index.handler",
                "Code": {"ZipFile": HANDLER},
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Environment": {"Variables": {"BUCKET": {"Ref": "AWS::StackName"}}},
            },
        },
        "Resource": {
            "Type": "Custom::Noted",
            "Properties": {
                "ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]},
                "Behaviour": behaviour,
            },
        },
    }
    return json.dumps({"Resources": resources})


def deploy(aws: LocalAws, account: str, behaviour: str) -> list[list[Any]]:
    """Deploy the stack, and return the events that the handler received."""
    name = f"noted-{account}"
    s3 = aws.client("s3", account)
    s3.create_bucket(Bucket=name)
    cloudformation = aws.client("cloudformation", account)
    cloudformation.create_stack(
        StackName=name, TemplateBody=template(behaviour), Capabilities=["CAPABILITY_IAM"]
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    with contextlib.suppress(WaiterError):  # some of the stacks fail on purpose
        waiter.wait(StackName=name, WaiterConfig={"Delay": 0.2, "MaxAttempts": 100})
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=name)["Contents"]]
    return [json.load(s3.get_object(Bucket=name, Key=key)["Body"]) for key in sorted(keys)]


@pytest.mark.parametrize(
    ("behaviour", "events"),
    [
        ("succeed", [["Create", None]]),
        ("fail", [["Create", None], ["Delete", "made-1"]]),
        ("die once", [["Create", None], ["Create", None]]),
        ("raise", [["Create", None]] * 3 + [["Delete", "noted-{account}-Resource-NEVERMADE"]]),
    ],
)
def test_the_handler_gets_the_events_of_cloudformation(
    local_aws: LocalAws, account: str, behaviour: str, events: list[Any]
) -> None:
    expected = json.loads(json.dumps(events).replace("{account}", account))
    assert deploy(local_aws, account, behaviour) == expected


def test_a_function_that_always_fails_fails_the_resource_at_once(
    local_aws: LocalAws, account: str
) -> None:
    deploy(local_aws, account, "raise")
    events = local_aws.client("cloudformation", account).describe_stack_events(
        StackName=f"noted-{account}"
    )["StackEvents"]
    [reason] = [
        event["ResourceStatusReason"]
        for event in events
        if event["LogicalResourceId"] == "Resource" and event["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert reason.startswith("CloudFormation did not receive a response from your Custom Resource")
    assert "it cannot go on" in reason
