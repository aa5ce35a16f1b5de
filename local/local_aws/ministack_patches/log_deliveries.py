"""Add the CloudFormation types of vended logs, on MiniStack's CloudWatch Logs.

Nothing is delivered. MiniStack's API has no destination for X-Ray, which its store gets directly.
As in AWS, a name can be taken by another stack.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import cloudwatch_logs as logs

from local_aws.ministack_patches.requirements import require
from local_aws.ministack_patches.resource_types import (
    Created,
    Handlers,
    Properties,
    ServiceResponse,
    add_types,
    raise_if_refused,
)

XRAY = "XRAY"


def install() -> None:
    """Add the types."""
    actions = ["create_delivery", "delete_delivery", "put_delivery_source"]
    actions += ["delete_delivery_source", "put_delivery_destination", "delete_delivery_destination"]
    stores = ["_delivery_sources", "_delivery_destinations", "_make_delivery_destination_arn"]
    require(logs, [*(f"_{action}" for action in actions), *stores])
    add_types(TYPES)


def create_source(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    name = properties["Name"]
    refuse_taken(name, logs._delivery_sources)
    request = {
        "name": name,
        "resourceArn": properties["ResourceArn"],
        "logType": properties["LogType"],
    }
    source = member(logs._put_delivery_source(request), "deliverySource")
    return name, {"Arn": source["arn"]}


def delete_source(name: str, _properties: Properties) -> None:
    logs._delete_delivery_source({"name": name})


def create_destination(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    name = properties["Name"]
    refuse_taken(name, logs._delivery_destinations)
    if properties.get("DeliveryDestinationType") == XRAY:
        arn = logs._make_delivery_destination_arn(name)
        logs._delivery_destinations[name] = {
            "name": name,
            "arn": arn,
            "deliveryDestinationType": XRAY,
            "deliveryDestinationConfiguration": {},
            "tags": {},
        }
        return name, {"Arn": arn}
    configuration = {"destinationResourceArn": properties["DestinationResourceArn"]}
    request = {"name": name, "deliveryDestinationConfiguration": configuration}
    destination = member(logs._put_delivery_destination(request), "deliveryDestination")
    return name, {"Arn": destination["arn"]}


def delete_destination(name: str, _properties: Properties) -> None:
    logs._delete_delivery_destination({"name": name})


def create_delivery(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    request = {
        "deliverySourceName": properties["DeliverySourceName"],
        "deliveryDestinationArn": properties["DeliveryDestinationArn"],
    }
    delivery = member(logs._create_delivery(request), "delivery")
    return delivery["id"], {"DeliveryId": delivery["id"], "Arn": delivery["arn"]}


def delete_delivery(delivery_id: str, _properties: Properties) -> None:
    logs._delete_delivery({"id": delivery_id})


def refuse_taken(name: str, store: Any) -> None:
    if name in store:
        raise ValueError(f"Resource of type delivery with identifier '{name}' already exists.")


def member(response: ServiceResponse, name: str) -> dict[str, Any]:
    raise_if_refused(response)
    found: dict[str, Any] = json.loads(response[2])[name]
    return found


TYPES: dict[str, Handlers] = {
    "AWS::Logs::DeliverySource": {"create": create_source, "delete": delete_source},
    "AWS::Logs::DeliveryDestination": {"create": create_destination, "delete": delete_destination},
    "AWS::Logs::Delivery": {"create": create_delivery, "delete": delete_delivery},
}
