"""Every network mode, deployed, used and destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Deploy
    from .deployment import Deployment


@pytest.mark.parametrize("network", ["sandbox", pytest.param("public", marks=pytest.mark.slow)])
def test_a_network_without_a_vpc_is_deployed_used_and_destroyed(
    deployment: Deployment, deploy: Deploy, network: str
) -> None:
    deploy({"network": network, "alarms": True})
    interpreter = deployment.only()
    assert interpreter["networkConfiguration"] == {"networkMode": network.upper()}
    assert "executionRoleArn" not in interpreter
    assert deployment.outputs()["CodeInterpreterArn"] == interpreter["codeInterpreterArn"]
    assert deployment.works()
    deployment.destroy()
    assert deployment.code_interpreters() == {}


# `test_settings.py` has a new VPC among other settings, and the golden templates its subnets.
@pytest.mark.slow
@pytest.mark.parametrize("internet", [False, True])
def test_a_new_vpc_is_deployed_used_and_destroyed(
    deployment: Deployment, deploy: Deploy, internet: bool
) -> None:
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


def test_an_existing_vpc_with_every_setting_is_deployed_changed_and_destroyed(
    deployment: Deployment, deploy: Deploy
) -> None:
    """The service gets every setting, and the control function has no permission too many."""
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
    interpreter = deployment.only()
    [own_group] = interpreter["networkConfiguration"]["vpcConfig"]["securityGroups"]
    assert interpreter["name"] == "everything"
    assert interpreter["networkConfiguration"]["vpcConfig"]["subnets"] == [subnet_id]
    assert interpreter["certificates"] == [{"location": {"secretsManager": {"secretArn": secret}}}]
    assert interpreter["filesystemConfigurations"] == [
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
    # AgentCore's network interfaces use the group for hours.
    assert ec2.describe_security_groups(GroupIds=[own_group])["SecurityGroups"]
    used = {decision["action"] for decision in deployment.decisions(role_name)}
    assert granted - used == {
        # Lambda itself writes the function's log.
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        # AgentCore does these with the function's credentials when a code interpreter is created.
        "iam:CreateServiceLinkedRole",
        "iam:PassRole",
        "kms:Decrypt",
        "secretsmanager:GetSecretValue",
    }


def mounts_from(ec2: Any, group_id: str) -> set[str]:
    """Return the security groups from which a group allows NFS."""
    [group] = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    return {
        pair["GroupId"]
        for permission in group["IpPermissions"]
        for pair in permission["UserIdGroupPairs"]
        if permission["FromPort"] == permission["ToPort"] == 2049
    }
