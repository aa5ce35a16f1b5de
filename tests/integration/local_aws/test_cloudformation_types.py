"""Resource types that MiniStack lacks are created, updated and deleted with their stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_aws import LocalAws

    WaitForStack = Callable[[str], None]

ANYWHERE = "0.0.0.0/0"


def template(port: int, policy_name: str) -> str:
    """Return a template with every added type, for the port and name that the test changes."""
    types: dict[str, tuple[str, dict[str, Any]]] = {
        "Vpc": ("AWS::EC2::VPC", {"CidrBlock": "10.1.0.0/16"}),
        "Subnet": ("AWS::EC2::Subnet", {"VpcId": ref("Vpc"), "CidrBlock": "10.1.0.0/24"}),
        "Address": ("AWS::EC2::EIP", {"Domain": "vpc"}),
        "Gateway": (
            "AWS::EC2::NatGateway",
            {"SubnetId": ref("Subnet"), "AllocationId": get("Address", "AllocationId")},
        ),
        "Log": (
            "AWS::EC2::FlowLog",
            {"ResourceId": ref("Vpc"), "ResourceType": "VPC", "TrafficType": "REJECT"},
        ),
        "Group": (
            "AWS::EC2::SecurityGroup",
            {
                "GroupDescription": "a group",
                "VpcId": ref("Vpc"),
                "SecurityGroupEgress": [{"IpProtocol": "icmp", "CidrIp": "255.255.255.255/32"}],
            },
        ),
        "Out": (
            "AWS::EC2::SecurityGroupEgress",
            security_group_rule(port, CidrIp=get("Vpc", "CidrBlock")),
        ),
        "In": (
            "AWS::EC2::SecurityGroupIngress",
            security_group_rule(port, SourceSecurityGroupId=get("Group", "GroupId")),
        ),
        "Role": ("AWS::IAM::Role", {"RoleName": "a-role", "AssumeRolePolicyDocument": policy()}),
        "RolePolicy": (
            "AWS::IAM::RolePolicy",
            {"RoleName": ref("Role"), "PolicyName": policy_name, "PolicyDocument": policy()},
        ),
    }
    resources = {
        name: {"Type": kind, "Properties": properties} for name, (kind, properties) in types.items()
    }
    return json.dumps({"Resources": resources})


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def get(name: str, attribute: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def security_group_rule(port: int, **peer: Any) -> dict[str, Any]:
    group = get("Group", "GroupId")
    return {"GroupId": group, "IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peer}


def policy() -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
    }


@pytest.fixture
def wait_for_stack(local_aws: LocalAws, account: str) -> WaitForStack:
    """Return a function that waits for a stack's create, update or delete."""

    def wait_for_stack(event: str) -> None:
        waiter = local_aws.client("cloudformation", account).get_waiter(f"stack_{event}_complete")
        waiter.wait(StackName="a-stack", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})

    return wait_for_stack


def test_resources_are_created_updated_and_deleted(
    local_aws: LocalAws, account: str, wait_for_stack: WaitForStack
) -> None:
    cloudformation = local_aws.client("cloudformation", account)
    ec2, iam = local_aws.client("ec2", account), local_aws.client("iam", account)
    options = {"StackName": "a-stack", "Capabilities": ["CAPABILITY_NAMED_IAM"]}

    def group() -> Any:
        [found] = [
            group
            for group in ec2.describe_security_groups()["SecurityGroups"]
            if group["Description"] == "a group"
        ]
        return found

    cloudformation.create_stack(TemplateBody=template(443, "first"), **options)
    wait_for_stack("create")
    [address] = ec2.describe_addresses()["Addresses"]
    [gateway] = ec2.describe_nat_gateways()["NatGateways"]
    [log] = ec2.describe_flow_logs()["FlowLogs"]
    assert address["AllocationId"].startswith("eipalloc-")
    assert gateway["State"] == "available"
    assert log["TrafficType"] == "REJECT"
    [ingress] = group()["IpPermissions"]
    assert (ingress["FromPort"], ingress["ToPort"]) == (443, 443)
    assert [pair["GroupId"] for pair in ingress["UserIdGroupPairs"]] == [group()["GroupId"]]
    egress = [rule for rule in group()["IpPermissionsEgress"] if rule["IpProtocol"] == "tcp"]
    assert [(rule["FromPort"], rule["IpRanges"][0]["CidrIp"]) for rule in egress] == [
        (443, "10.1.0.0/16")
    ]
    assert iam.list_role_policies(RoleName="a-role")["PolicyNames"] == ["first"]

    cloudformation.update_stack(TemplateBody=template(2049, "second"), **options)
    wait_for_stack("update")
    assert [rule["FromPort"] for rule in group()["IpPermissions"]] == [2049]
    assert len(group()["IpPermissionsEgress"]) == 2
    assert iam.list_role_policies(RoleName="a-role")["PolicyNames"] == ["second"]

    cloudformation.delete_stack(StackName="a-stack")
    wait_for_stack("delete")
    assert ec2.describe_addresses()["Addresses"] == []
    assert ec2.describe_flow_logs()["FlowLogs"] == []
    assert [gateway["State"] for gateway in ec2.describe_nat_gateways()["NatGateways"]] == [
        "deleted"
    ]


def test_a_bucket_gets_its_tags_and_is_deleted_only_when_it_is_empty(
    local_aws: LocalAws, account: str, wait_for_stack: WaitForStack
) -> None:
    cloudformation, s3 = (local_aws.client(name, account) for name in ("cloudformation", "s3"))
    name = f"a-bucket-{account}"

    def bucket(**tags: str) -> dict[str, str]:
        properties = {
            "BucketName": name,
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }
        resource = {"Type": "AWS::S3::Bucket", "Properties": properties}
        body = json.dumps({"Resources": {"Bucket": resource}})
        return {"StackName": "a-stack", "TemplateBody": body}

    cloudformation.create_stack(**bucket(team="data", stage="test"))
    wait_for_stack("create")
    cloudformation.update_stack(**bucket(team="science"))
    wait_for_stack("update")
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=name)["TagSet"]}
    assert tags == {"team": "science", "aws:cloudformation:stack-name": "a-stack"}

    s3.put_object(Bucket=name, Key="a-file")
    cloudformation.delete_stack(StackName="a-stack")
    with pytest.raises(WaiterError, match="DELETE_FAILED"):
        wait_for_stack("delete")
    assert s3.head_object(Bucket=name, Key="a-file")

    s3.delete_object(Bucket=name, Key="a-file")
    cloudformation.delete_stack(StackName="a-stack")
    wait_for_stack("delete")
    assert s3.list_buckets()["Buckets"] == []
