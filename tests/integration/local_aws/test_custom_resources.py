"""Custom resources in the local AWS get the events that CloudFormation and Lambda send."""

from __future__ import annotations

import contextlib
import json
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local_aws import LocalAws

    Deploy = Callable[[str], list[list[Any]]]

# The handler records every event in a file, then follows the property `Behaviour`.
HANDLER = textwrap.dedent("""
    import json, os, urllib.request
    from pathlib import Path

    def handler(event, context):
        folder, behaviour = Path(os.environ["FOLDER"]), event["ResourceProperties"]["Behaviour"]
        count = len(list(folder.iterdir()))
        record = [event["RequestType"], event.get("PhysicalResourceId")]
        (folder / str(count)).write_text(json.dumps(record))
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


def template(behaviour: str, folder: Path) -> str:
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
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.14",
                "Handler": "index.handler",
                "Code": {"ZipFile": HANDLER},
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Environment": {"Variables": {"FOLDER": str(folder)}},
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


@pytest.fixture
def deploy(local_aws: LocalAws, account: str, tmp_path: Path) -> Deploy:
    """Return a function that deploys the stack and returns the events of its handler."""
    cloudformation = local_aws.client("cloudformation", account)

    def deploy(behaviour: str) -> list[list[Any]]:
        name = f"noted-{account}"
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=template(behaviour, tmp_path),
            Capabilities=["CAPABILITY_IAM"],
        )
        waiter = cloudformation.get_waiter("stack_create_complete")
        with contextlib.suppress(WaiterError):  # some of the stacks fail on purpose
            waiter.wait(StackName=name, WaiterConfig={"Delay": 0.2, "MaxAttempts": 100})
        return [json.loads(path.read_text()) for path in sorted(tmp_path.iterdir())]

    return deploy


@pytest.mark.parametrize(
    ("behaviour", "events"),
    [
        ("succeed", [["Create", None]]),
        ("fail", [["Create", None], ["Delete", "made-1"]]),
        ("die once", [["Create", None], ["Create", None]]),
    ],
)
def test_the_handler_gets_the_events_of_cloudformation(
    deploy: Deploy, behaviour: str, events: list[Any]
) -> None:
    assert deploy(behaviour) == events


def test_a_function_that_always_fails_fails_the_resource_at_once(
    deploy: Deploy, local_aws: LocalAws, account: str
) -> None:
    never_made = f"noted-{account}-Resource-NEVERMADE"
    assert deploy("raise") == [["Create", None]] * 3 + [["Delete", never_made]]
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
    deploy: Deploy, local_aws: LocalAws, account: str
) -> None:
    assert deploy("fail for good") == [["Create", None], ["Delete", "made-1"]]
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
    deploy: Deploy, local_aws: LocalAws, account: str, size: int, failures: list[str]
) -> None:
    deploy(f"respond with {size}")
    events = local_aws.client("cloudformation", account).describe_stack_events(
        StackName=f"noted-{account}"
    )["StackEvents"]
    assert reasons(events, "CREATE_FAILED") == failures
