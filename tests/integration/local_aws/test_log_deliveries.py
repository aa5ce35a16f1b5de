"""CloudFormation makes the deliveries of vended logs, whose names are unique in a region."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

if TYPE_CHECKING:
    from local_aws import LocalAws

WAITING = {"Delay": 0.1, "MaxAttempts": 100}


def template(account: str) -> str:
    service = f"arn:aws:bedrock-agentcore:us-east-1:{account}"
    interpreter = f"{service}:code-interpreter-custom/a-0123456789"
    resources: dict[str, Any] = {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {}}}
    destinations: dict[str, dict[str, Any]] = {
        "USAGE_LOGS": {"DestinationResourceArn": {"Fn::GetAtt": ["Group", "Arn"]}},
        "TRACES": {"DeliveryDestinationType": "XRAY"},
    }
    for number, (kind, destination) in enumerate(destinations.items()):
        source, target = f"Source{number}", f"Destination{number}"
        resources[source] = {
            "Type": "AWS::Logs::DeliverySource",
            "Properties": {"Name": f"a-{kind}", "LogType": kind, "ResourceArn": interpreter},
        }
        resources[target] = {
            "Type": "AWS::Logs::DeliveryDestination",
            "Properties": {"Name": f"a-{kind}", **destination},
        }
        resources[f"Delivery{number}"] = {
            "Type": "AWS::Logs::Delivery",
            "Properties": {
                "DeliverySourceName": {"Ref": source},
                "DeliveryDestinationArn": {"Fn::GetAtt": [target, "Arn"]},
            },
        }
    return json.dumps({"Resources": resources})


def test_deliveries_come_and_go_with_their_stack(local_aws: LocalAws, account: str) -> None:
    cloudformation = local_aws.client("cloudformation", account)
    logs = local_aws.client("logs", account)
    cloudformation.create_stack(StackName="first", TemplateBody=template(account))
    created = cloudformation.get_waiter("stack_create_complete")
    created.wait(StackName="first", WaiterConfig=WAITING)
    sources = logs.describe_delivery_sources()["deliverySources"]
    assert {source["logType"] for source in sources} == {"USAGE_LOGS", "TRACES"}
    deliveries = logs.describe_deliveries()["deliveries"]
    assert {delivery["deliveryDestinationType"] for delivery in deliveries} == {"CWL", "XRAY"}

    cloudformation.create_stack(StackName="second", TemplateBody=template(account))
    with pytest.raises(WaiterError):
        created.wait(StackName="second", WaiterConfig=WAITING)
    events = cloudformation.describe_stack_events(StackName="second")["StackEvents"]
    assert "already exists" in json.dumps(events, default=str)

    cloudformation.delete_stack(StackName="first")
    deleted = cloudformation.get_waiter("stack_delete_complete")
    deleted.wait(StackName="first", WaiterConfig=WAITING)
    assert logs.describe_delivery_sources()["deliverySources"] == []
    assert logs.describe_deliveries()["deliveries"] == []
