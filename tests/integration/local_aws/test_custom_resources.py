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
        failed = behaviour in ("fail", "fail for good") and event["RequestType"] == "Create"
        kept = behaviour == "fail for good" and event["RequestType"] == "Delete" and count < 2
        response = {
            "Status": "FAILED" if failed or kept else "SUCCESS",
            "Reason": "it cannot be deleted" if kept else "it must fail",
            "PhysicalResourceId": "made-1",
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
        }
        if behaviour.startswith("respond with "):
            response["Data"] = {"Text": ""}
            missing = int(behaviour.split()[-1]) - len(json.dumps(response))
            response["Data"] = {"Text": "a" * missing}
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
    [reason] = reasons(events, "CREATE_FAILED")
    assert reason.startswith("CloudFormation did not receive a response from your Custom Resource")
    assert "it cannot go on" in reason


def reasons(events: list[Any], status: str) -> list[str]:
    """Return the reasons of the events in which the resource got a status."""
    return [
        event["ResourceStatusReason"]
        for event in events
        if (event["LogicalResourceId"], event["ResourceStatus"]) == ("Resource", status)
    ]


def test_a_failed_clean_up_names_its_resource_and_keeps_the_reason(
    local_aws: LocalAws, account: str
) -> None:
    deployed = deploy(local_aws, account, "fail for good")
    assert deployed == [["Create", None], ["Delete", "made-1"]]
    cloudformation = local_aws.client("cloudformation", account)
    name = f"noted-{account}"
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert (stack["StackStatus"], stack["StackStatusReason"]) == (
        "ROLLBACK_FAILED",
        "The following resource(s) failed to delete: [Resource].",
    )
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    assert reasons(events, "CREATE_FAILED") == ["it must fail"]
    assert reasons(events, "DELETE_FAILED") == ["it cannot be deleted"]
    [orphan] = [event for event in events if event["ResourceStatus"] == "DELETE_FAILED"]
    assert orphan["PhysicalResourceId"] == "made-1"


@pytest.mark.parametrize(
    ("size", "failures"), [(4096, []), (4097, ["Response object is too long."])]
)
def test_a_response_above_the_limit_fails_the_resource(
    local_aws: LocalAws, account: str, size: int, failures: list[str]
) -> None:
    deploy(local_aws, account, f"respond with {size}")
    events = local_aws.client("cloudformation", account).describe_stack_events(
        StackName=f"noted-{account}"
    )["StackEvents"]
    assert reasons(events, "CREATE_FAILED") == failures
