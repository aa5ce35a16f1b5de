"""Every network mode, deployed, used and destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Deploy
    from .deployment import Deployment


@pytest.mark.parametrize("network", ["sandbox", "public"])
def test_without_a_vpc(deployment: Deployment, deploy: Deploy, network: str) -> None:
    deploy({"network": network, "alarms": True})
    one = deployment.only()
    assert one["networkConfiguration"] == {"networkMode": network.upper()}
    assert "executionRoleArn" not in one
    assert deployment.outputs()["CodeInterpreterArn"] == one["codeInterpreterArn"]
    assert deployment.works()
    deployment.destroy()
    assert deployment.code_interpreters() == {}


@pytest.mark.parametrize("internet", [False, True])
def test_in_a_new_vpc(deployment: Deployment, deploy: Deploy, internet: bool) -> None:
    deploy({"network": "vpc", "vpc-internet": internet})
    network = deployment.only()["networkConfiguration"]
    assert network["networkMode"] == "VPC"
    made = deployment.resources("CodeInterpreterNetwork")
    assert {"Sandboxes"} == {
        tag["Value"]
        for subnet in deployment.client("ec2").describe_subnets(
            SubnetIds=network["vpcConfig"]["subnets"]
        )["Subnets"]
        for tag in subnet["Tags"]
        if tag["Key"] == "aws-cdk:subnet-name"
    }
    assert set(network["vpcConfig"]["securityGroups"]) <= set(made.values())
    assert deployment.works()
    deployment.destroy()
    assert deployment.code_interpreters() == {}


def test_in_an_existing_vpc_with_everything(deployment: Deployment, deploy: Deploy) -> None:
    """What it is given, what the control function is allowed for it, and what stays."""
    ec2 = deployment.client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    mount_targets = ec2.create_security_group(
        GroupName="mounts", Description="mounts", VpcId=vpc_id
    )["GroupId"]
    arn = f"arn:aws:elasticfilesystem:us-east-1:{deployment.account}"
    filesystem = {
        "file-system-arn": f"{arn}:file-system/fs-0123456789abcdef0",
        "access-point-arn": f"{arn}:access-point/fsap-0123456789abcdef0",
        "mount-path": "/mnt/data",
    }
    secret = f"arn:aws:secretsmanager:us-east-1:{deployment.account}:secret:ca-AbCdEf"
    settings = {
        "name": "everything",
        "network": "vpc",
        "vpc-id": vpc_id,
        "subnet-ids": subnet_id,
        "certificate-secret-arns": secret,
        "filesystems": [{"type": "efs", "security-group-id": mount_targets, **filesystem}],
    }
    deploy(settings)
    one = deployment.only()
    [own_group] = one["networkConfiguration"]["vpcConfig"]["securityGroups"]
    assert one["name"] == "everything"
    assert one["networkConfiguration"]["vpcConfig"]["subnets"] == [subnet_id]
    assert one["certificates"] == [{"location": {"secretsManager": {"secretArn": secret}}}]
    assert one["filesystemConfigurations"] == [
        {
            "efsConfiguration": {
                "fileSystemArn": filesystem["file-system-arn"],
                "accessPointArn": filesystem["access-point-arn"],
                "mountPath": "/mnt/data",
            }
        }
    ]
    assert mounts_from(ec2, mount_targets) == {own_group}
    assert deployment.works()
    role_name = deployment.role_of("ControlFunction")
    granted = deployment.granted(role_name)

    deploy({**settings, "name": "renamed", "tags": {"team": "data"}})
    deploy({**settings, "name": "renamed"})
    deployment.start_session(deployment.only()["codeInterpreterId"])
    deployment.destroy()
    assert deployment.code_interpreters() == {}
    # AgentCore's network interfaces hold on to it for hours.
    assert ec2.describe_security_groups(GroupIds=[own_group])["SecurityGroups"]
    used = {decision["action"] for decision in deployment.decisions(role_name)}
    assert granted - used == {
        # Lambda itself writes the function's log.
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        # AgentCore does these with the function's credentials when a code interpreter is created.
        "iam:CreateServiceLinkedRole",
        "iam:PassRole",
        "secretsmanager:GetSecretValue",
    }


def mounts_from(ec2: Any, group_id: str) -> set[str]:
    """The security groups from which NFS is allowed."""
    [group] = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    return {
        pair["GroupId"]
        for permission in group["IpPermissions"]
        for pair in permission["UserIdGroupPairs"]
        if permission["FromPort"] == permission["ToPort"] == 2049
    }
