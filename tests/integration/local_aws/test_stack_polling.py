"""The local AWS lets DescribeStacks wait for a stack, so that the CDK CLI does not."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from local_aws.ministack_patches.stack_polling import LONGEST_WAIT_SECONDS

if TYPE_CHECKING:
    from local_aws import LocalAws


@pytest.fixture
def cloudformation(local_aws: LocalAws, account: str) -> Any:
    return local_aws.client("cloudformation", account)


def waiting(seconds: int) -> str:
    """Return a template whose stack waits for a signal that never comes, and then rolls back."""
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    condition = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": str(seconds)},
    }
    return json.dumps({"Resources": {"Handle": handle, "Condition": condition}})


@pytest.mark.parametrize(
    ("seconds", "status"),
    [
        pytest.param(1, "ROLLBACK_COMPLETE", id="it ends in time"),
        pytest.param(
            LONGEST_WAIT_SECONDS + 2,
            "CREATE_IN_PROGRESS",
            id="it takes longer than the limit",
            marks=pytest.mark.slow,  # it waits for as long as the limit
        ),
    ],
)
def test_the_first_look_at_a_stack_waits_for_its_end(
    cloudformation: Any, seconds: int, status: str
) -> None:
    stack_id = cloudformation.create_stack(StackName="s", TemplateBody=waiting(seconds))["StackId"]
    [stack] = cloudformation.describe_stacks(StackName=stack_id)["Stacks"]
    assert stack["StackStatus"] == status


def test_a_stack_that_waits_for_its_change_set_is_described_at_once(cloudformation: Any) -> None:
    cloudformation.create_change_set(
        StackName="s", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=waiting(1)
    )
    began_at = time.monotonic()
    [stack] = cloudformation.describe_stacks(StackName="s")["Stacks"]
    assert stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert time.monotonic() - began_at < LONGEST_WAIT_SECONDS
