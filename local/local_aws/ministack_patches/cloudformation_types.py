"""Add resource types and attributes that MiniStack's CloudFormation lacks.

MiniStack's EC2, IAM and S3 have the operations behind them; no network traffic is involved. The
gaps:

- MiniStack refuses `AWS::IAM::RolePolicy` as unrecognized;
- it refuses `AWS::EC2::EIP`, `NatGateway` and `FlowLog`, which a VPC's stack contains;
- it refuses `AWS::EC2::SecurityGroupEgress` and `SecurityGroupIngress`, which CDK creates when two
  security groups refer to each other;
- `AWS::EC2::VPC` has no attribute `CidrBlock`, which CDK's interface endpoints read;
- `AWS::S3::Bucket` ignores its tags, which CDK's auto-delete function checks before it empties a
  bucket, and does not get CloudFormation's own tags, without which that function finds no tag set;
- MiniStack deletes a bucket together with its objects, where CloudFormation fails;
- the update of a nested stack forgets the attributes of the resources that do not change, and
  leaves the predecessors of replaced custom resources. Here it deletes them at its end; AWS waits
  for the end of the whole update.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.services import cloudformation, ec2, iam, s3
from ministack.services.cloudformation import provisioners

from local_aws.ministack_patches.requirements import require
from local_aws.ministack_patches.resource_types import (
    Created,
    Handlers,
    Properties,
    ServiceResponse,
    add_types,
    raise_if_refused,
)

Handler = Callable[..., Created]
DeleteHandler = Callable[[str, Properties], None]

REQUIRED = (
    (
        ec2,
        [
            "_addresses",
            "_allocate_address",
            "_create_flow_logs",
            "_create_nat_gateway",
            "_delete_flow_logs",
            "_delete_nat_gateway",
            "_release_address",
            "_security_groups",
            "_vpcs",
        ],
    ),
    (iam, ["_delete_role_policy", "_put_role_policy"]),
    (s3, ["_bucket_has_versions", "_bucket_tags", "_buckets"]),
    (
        provisioners,
        [
            "_RESOURCE_HANDLERS",
            "_RETAIN_REPLACED",
            "_delete_resource",
            "_ec2_sg_permissions",
            "_ec2_sg_reconcile",
            "_reconcile_tag_map",
            "_update_resource",
        ],
    ),
    (cloudformation, ["_stacks"]),
)


def install() -> None:
    """Add the missing types, and complete those of VPCs and buckets."""
    for module, names in REQUIRED:
        require(module, names)
    add_types(TYPES)
    handlers = provisioners._RESOURCE_HANDLERS
    vpc = handlers["AWS::EC2::VPC"]
    for action in ("create", "update"):
        vpc[action] = with_cidr_block(vpc[action])
    bucket = handlers["AWS::S3::Bucket"]
    for action in ("create", "update"):
        bucket[action] = with_tags(bucket[action])
    bucket["delete"] = refusing_full_buckets(bucket["delete"])
    nested = handlers["AWS::CloudFormation::Stack"]
    nested["update"] = deleting_predecessors(nested["update"])
    # Nested stacks use this name; top-level stacks have imported the function before.
    provisioners._update_resource = update_in_nested_stack(provisioners._update_resource)


# The custom resources that the update of a nested stack has replaced: the arguments of their
# deletion.
replaced: ContextVar[list[tuple[Any, ...]]] = ContextVar("replaced")


def deleting_predecessors(stock: Handler) -> Handler:
    def update(*arguments: Any) -> Created:
        token = replaced.set([])
        try:
            updated = stock(*arguments)
            for predecessor in reversed(replaced.get()):
                provisioners._delete_resource(*predecessor)
        finally:
            replaced.reset(token)
        return updated

    return update


def update_in_nested_stack(stock: Handler) -> Handler:
    def update_resource(
        resource_type: str,
        physical_id: str,
        old_properties: Properties,
        new_properties: Properties,
        stack_name: str,
        logical_id: str,
    ) -> Created:
        stack = cloudformation._stacks.get(stack_name, {})
        resource = stack.get("_resources", {}).get(logical_id, {})
        updated = stock(
            resource_type,
            physical_id,
            old_properties,
            new_properties,
            stack_name,
            logical_id,
            resource.get("Attributes", {}),
        )
        is_custom = resource_type.startswith(("Custom::", "AWS::CloudFormation::CustomResource"))
        if is_custom and updated[0] != physical_id and not provisioners._RETAIN_REPLACED.get():
            replaced.get().append(
                (resource_type, physical_id, old_properties, stack_name, logical_id)
            )
        return updated

    return update_resource


def with_cidr_block(stock: Handler) -> Handler:
    def provision(*arguments: Any) -> Created:
        vpc_id, attributes = stock(*arguments)
        return vpc_id, {**attributes, "CidrBlock": ec2._vpcs[vpc_id]["CidrBlock"]}

    return provision


def with_tags(stock: Handler) -> Handler:
    def provision(*arguments: Any) -> Created:
        name, attributes = stock(*arguments)
        # Updates pass the old properties before the new ones.
        *older, properties = [argument for argument in arguments if isinstance(argument, dict)]
        stack_name = arguments[-1]
        tags = s3._bucket_tags.get(name, {})
        tags["aws:cloudformation:stack-name"] = stack_name
        provisioners._reconcile_tag_map(tags, older[0] if older else {}, properties)
        s3._bucket_tags[name] = tags
        return name, attributes

    return provision


def refusing_full_buckets(stock: DeleteHandler) -> DeleteHandler:
    def delete(name: str, properties: Properties) -> None:
        bucket = s3._buckets.get(name, {"objects": {}})
        if bucket["objects"] or s3._bucket_has_versions(name):
            raise ValueError("The bucket you tried to delete is not empty")
        stock(name, properties)

    return delete


def create_role_policy(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    response = iam._put_role_policy(
        {
            "RoleName": properties["RoleName"],
            "PolicyName": properties["PolicyName"],
            "PolicyDocument": json.dumps(properties["PolicyDocument"]),
        }
    )
    raise_if_refused(response)
    return f"{properties['PolicyName']}|{properties['RoleName']}", {}


def delete_role_policy(_policy_id: str, properties: Properties) -> None:
    names = {name: properties[name] for name in ("RoleName", "PolicyName")}
    iam._delete_role_policy(names)


def create_address(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    response = ec2._allocate_address({"Domain": properties.get("Domain", "vpc")})
    address = xml_text(response, "publicIp")
    return address, {"PublicIp": address, "AllocationId": xml_text(response, "allocationId")}


def delete_address(address: str, _properties: Properties) -> None:
    for allocation in list(ec2._addresses.values()):
        if allocation["PublicIp"] == address:
            ec2._release_address({"AllocationId": allocation["AllocationId"]})


def create_nat_gateway(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    names = ("SubnetId", "AllocationId", "ConnectivityType")
    gateway_id = xml_text(
        ec2._create_nat_gateway({name: properties.get(name, "") for name in names}), "natGatewayId"
    )
    return gateway_id, {"NatGatewayId": gateway_id}


def delete_nat_gateway(gateway_id: str, _properties: Properties) -> None:
    ec2._delete_nat_gateway({"NatGatewayId": gateway_id})


def create_flow_log(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    names = ("ResourceType", "TrafficType", "LogDestinationType", "LogDestination", "LogGroupName")
    parameters = {name: properties.get(name, "") for name in names}
    log_id = xml_text(
        ec2._create_flow_logs({**parameters, "ResourceId.1": properties["ResourceId"]}), "item"
    )
    return log_id, {"Id": log_id}


def delete_flow_log(log_id: str, _properties: Properties) -> None:
    ec2._delete_flow_logs({"FlowLogId.1": log_id})


def xml_text(response: ServiceResponse, name: str) -> str:
    """Return the text of an element in the XML response of an action."""
    raise_if_refused(response)
    found = re.search(f"<{name}>(.+?)</{name}>", response[2].decode())
    if found is None:
        raise ValueError(response[2].decode())
    return found[1]


def rule_handlers(permissions: str) -> Handlers:
    """Return the handlers of a single rule of a security group.

    `permissions` is the group's member that holds the rule.
    """

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
        group = ec2._security_groups.get(properties["GroupId"])
        if group is None:
            raise ValueError(f"The security group '{properties['GroupId']}' does not exist")
        provisioners._ec2_sg_reconcile(
            group[permissions], [], provisioners._ec2_sg_permissions([properties])
        )
        rule_id = f"sgr-{uuid.uuid4().hex[:17]}"
        return rule_id, {"Id": rule_id}

    def delete(_rule_id: str, properties: Properties) -> None:
        group = ec2._security_groups.get(properties["GroupId"])
        if group is not None:
            provisioners._ec2_sg_reconcile(
                group[permissions], provisioners._ec2_sg_permissions([properties]), []
            )

    return {"create": create, "delete": delete}


TYPES: dict[str, Handlers] = {
    "AWS::IAM::RolePolicy": {"create": create_role_policy, "delete": delete_role_policy},
    "AWS::EC2::EIP": {"create": create_address, "delete": delete_address},
    "AWS::EC2::NatGateway": {"create": create_nat_gateway, "delete": delete_nat_gateway},
    "AWS::EC2::FlowLog": {"create": create_flow_log, "delete": delete_flow_log},
    "AWS::EC2::SecurityGroupEgress": rule_handlers("IpPermissionsEgress"),
    "AWS::EC2::SecurityGroupIngress": rule_handlers("IpPermissions"),
}
