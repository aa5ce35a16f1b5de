"""Existing resources that the settings name by id or ARN. CDK looks up nothing."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Annotations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_code_interpreter import Filesystem, Network

from .settings import FilesystemSettings, Settings


def existing_network(scope: Construct, settings: Settings) -> Network:
    """Return the network of an existing VPC, with its subnets and security groups."""
    assert settings.vpc_id is not None
    return Network.vpc(
        existing_vpc(scope, settings.vpc_id),
        subnets=existing_subnets(scope, settings.subnet_ids),
        security_groups=existing_security_groups(scope, settings.security_group_ids) or None,
    )


def existing_vpc(scope: Construct, vpc_id: str) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        scope,
        "Vpc",
        vpc_id=vpc_id,
        availability_zones=["unknown"],  # must not be empty, and is not used
    )


def existing_subnets(scope: Construct, subnet_ids: Sequence[str]) -> ec2.SubnetSelection:
    subnets = [
        ec2.Subnet.from_subnet_id(scope, f"Subnet{number}", subnet_id)
        for number, subnet_id in enumerate(subnet_ids)
    ]
    for subnet in subnets:
        Annotations.of(subnet).acknowledge_warning(
            "@aws-cdk/aws-ec2:noSubnetRouteTableId", "nothing asks for its routes"
        )
    return ec2.SubnetSelection(subnets=subnets)


def existing_security_groups(
    scope: Construct, group_ids: Sequence[str]
) -> list[ec2.ISecurityGroup]:
    return [
        ec2.SecurityGroup.from_security_group_id(scope, f"SecurityGroup{number}", group_id)
        for number, group_id in enumerate(group_ids)
    ]


def existing_key(scope: Construct, settings: Settings) -> kms.IKey | None:
    """Return the KMS key of the settings. The stack cannot change its policy."""
    if settings.kms_key_arn is None:
        return None
    return kms.Key.from_key_arn(scope, "Key", settings.kms_key_arn)


def existing_access_log_bucket(scope: Construct, settings: Settings) -> s3.IBucket | None:
    """Return the bucket for access logs. The stack cannot change its policy."""
    if settings.access_log_bucket_name is None:
        return None
    return s3.Bucket.from_bucket_name(scope, "AccessLogs", settings.access_log_bucket_name)


def existing_filesystem(
    scope: Construct, construct_id: str, settings: FilesystemSettings
) -> Filesystem:
    """Return an existing file system."""
    parent = Construct(scope, construct_id)
    group = ec2.SecurityGroup.from_security_group_id(
        parent, "SecurityGroup", settings.security_group_id
    )
    if settings.type == "s3-files":
        return Filesystem.s3_files(
            file_system_arn=settings.file_system_arn,
            access_point_arn=settings.access_point_arn,
            mount_path=settings.mount_path,
            security_group=group,
        )
    file_system = efs.FileSystem.from_file_system_attributes(
        parent, "FileSystem", file_system_arn=settings.file_system_arn, security_group=group
    )
    access_point = efs.AccessPoint.from_access_point_attributes(
        parent,
        "AccessPoint",
        access_point_arn=settings.access_point_arn,
        file_system=file_system,
    )
    return Filesystem.efs(access_point, mount_path=settings.mount_path)
