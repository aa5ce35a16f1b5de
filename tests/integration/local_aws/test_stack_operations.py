"""The local AWS refuses the operations on stacks that CloudFormation refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, WaiterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_aws import LocalAws

    WaitForStack = Callable[[str, str], None]

EXPORT = "the-name"


def parameter(value: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}


def producer(description: str, *, exports: bool = True) -> str:
    """Return a template whose topic is replaced, and its export changed, by another name."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": description}}
    output = {"Value": {"Ref": "Topic"}, "Export": {"Name": EXPORT}}
    outputs = {"Outputs": {"Name": output}} if exports else {}
    return json.dumps({"Resources": {"Topic": topic}, **outputs})


CONSUMER = json.dumps({"Resources": {"Parameter": parameter({"Fn::ImportValue": EXPORT})}})


@pytest.fixture
def cloudformation(local_aws: LocalAws, account: str) -> Any:
    return local_aws.client("cloudformation", account)


@pytest.fixture
def wait_for_stack(cloudformation: Any) -> WaitForStack:
    """Return a function that waits for a stack's create, update or delete."""

    def wait_for_stack(event: str, name: str) -> None:
        waiter = cloudformation.get_waiter(f"stack_{event}_complete")
        waiter.wait(StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})

    return wait_for_stack


@pytest.mark.parametrize(
    ("template", "change"),
    [(producer("second"), "updated"), (producer("first", exports=False), "deleted")],
)
def test_an_export_in_use_stays_as_it_is(
    cloudformation: Any,
    local_aws: LocalAws,
    account: str,
    wait_for_stack: WaitForStack,
    template: str,
    change: str,
) -> None:
    for name, body in (("producer", producer("first")), ("consumer", CONSUMER)):
        cloudformation.create_stack(StackName=name, TemplateBody=body)
        wait_for_stack("create", name)
    [before] = cloudformation.list_exports()["Exports"]

    cloudformation.update_stack(StackName="producer", TemplateBody=template)
    with pytest.raises(WaiterError, match="UPDATE_ROLLBACK_COMPLETE"):
        wait_for_stack("update", "producer")

    events = cloudformation.describe_stack_events(StackName="producer")["StackEvents"]
    assert [
        event["ResourceStatusReason"]
        for event in events
        if event["ResourceStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"
    ] == [f"Export {EXPORT} cannot be {change} as it is in use by consumer"]
    assert cloudformation.list_exports()["Exports"] == [before]
    topics = local_aws.client("sns", account).list_topics()["Topics"]
    assert [topic["TopicArn"] for topic in topics] == [before["Value"]]


@pytest.mark.parametrize("template", [producer("second"), producer("first", exports=False)])
def test_an_export_that_no_stack_imports_changes(
    cloudformation: Any, wait_for_stack: WaitForStack, template: str
) -> None:
    cloudformation.create_stack(StackName="producer", TemplateBody=producer("first"))
    wait_for_stack("create", "producer")
    cloudformation.update_stack(StackName="producer", TemplateBody=template)
    wait_for_stack("update", "producer")
    exports = cloudformation.list_exports()["Exports"]
    assert [export["Value"].rpartition(":")[2] for export in exports] == (
        ["second"] if EXPORT in template else []
    )


def with_bucket(account: str) -> str:
    """Return a template with a bucket, which cannot be deleted once it has a file."""
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"full-{account}"}}
    return json.dumps({"Resources": {"Bucket": bucket, "Parameter": parameter("a")}})


WITHOUT_BUCKET = json.dumps({"Resources": {"Parameter": parameter("a")}})


@pytest.fixture
def full_bucket(
    cloudformation: Any, local_aws: LocalAws, account: str, wait_for_stack: WaitForStack
) -> str:
    """Create a stack whose bucket has a file, and return the bucket's name."""
    cloudformation.create_stack(StackName="a-stack", TemplateBody=with_bucket(account))
    wait_for_stack("create", "a-stack")
    local_aws.client("s3", account).put_object(Bucket=f"full-{account}", Key="a-file")
    return f"full-{account}"


def test_a_failed_clean_up_drops_its_resource(
    cloudformation: Any,
    local_aws: LocalAws,
    account: str,
    wait_for_stack: WaitForStack,
    full_bucket: str,
) -> None:
    cloudformation.update_stack(StackName="a-stack", TemplateBody=WITHOUT_BUCKET)
    wait_for_stack("update", "a-stack")
    events = cloudformation.describe_stack_events(StackName="a-stack")["StackEvents"]
    [failed] = [event for event in events if event["ResourceStatus"] == "DELETE_FAILED"]
    assert failed["PhysicalResourceId"] == full_bucket
    resources = cloudformation.describe_stack_resources(StackName="a-stack")["StackResources"]
    assert [resource["LogicalResourceId"] for resource in resources] == ["Parameter"]

    cloudformation.delete_stack(StackName="a-stack")
    wait_for_stack("delete", "a-stack")
    assert local_aws.client("s3", account).head_object(Bucket=full_bucket, Key="a-file")


def test_a_stack_whose_deletion_failed_cannot_be_updated(
    cloudformation: Any, account: str, wait_for_stack: WaitForStack, full_bucket: str
) -> None:
    assert full_bucket
    cloudformation.delete_stack(StackName="a-stack")
    with pytest.raises(WaiterError, match="DELETE_FAILED"):
        wait_for_stack("delete", "a-stack")
    [stack] = cloudformation.describe_stacks(StackName="a-stack")["Stacks"]
    expected = f"Stack:{stack['StackId']} is in DELETE_FAILED state and can not be updated."
    template = {"StackName": "a-stack", "TemplateBody": with_bucket(account)}
    for action, options in (
        (cloudformation.create_change_set, {"ChangeSetName": "a-change"}),
        (cloudformation.update_stack, {}),
    ):
        with pytest.raises(ClientError) as error:
            action(**template, **options)
        response: Any = error.value.response
        assert (response["Error"]["Code"], response["Error"]["Message"]) == (
            "ValidationError",
            expected,
        )
