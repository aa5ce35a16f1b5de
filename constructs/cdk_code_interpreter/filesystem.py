"""File systems that sandboxes mount."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import IDependable

from ._private.arguments import check_arguments
from ._private.late_module import LateModule
from ._private.permissions import (
    DESCRIBE_EFS,
    EFS_ACCESS_POINT_KEY,
    LIST_S3_FILES_MOUNT_TARGETS,
    MOUNT_EFS,
    MOUNT_S3_FILES,
    READ_S3_FILES_ACCESS_POINT,
    S3_FILES_ACCESS_POINT_KEY,
)
from ._private.validation import check_pattern
from .limits import MAX_FILESYSTEMS_OF_A_KIND, MAX_MOUNT_PATH_LENGTH, MOUNT_PATH_PATTERN

if TYPE_CHECKING:
    from aws_cdk import aws_efs as efs
else:
    efs = LateModule("aws_cdk.aws_efs")

_NFS = ec2.Port.tcp(2049)

_MOUNT_PATH = re.compile(f"{MOUNT_PATH_PATTERN}/?")


class Filesystem(ABC):
    """A file system that every sandbox of a code interpreter mounts, and that all sessions share.

    Create it with `Filesystem.efs()` or `Filesystem.s3_files()`. The code interpreter needs a
    network in a VPC and an execution role. The construct adds the permissions to the role, and the
    rules for TCP port 2049 to the security groups that it knows. The file system needs mount
    targets in the code interpreter's availability zones. CDK creates those of an `efs.FileSystem`
    of your app before the code interpreter. For other mount targets of your app, call
    `code_interpreter.node.add_dependency(mount_target)`.

    :ivar kind: The service of the file system, for messages.
    :ivar mount_path: The directory in the sandbox, such as `/mnt/data`.
    """

    kind: str
    mount_path: str

    @staticmethod
    @check_arguments
    def efs(access_point: efs.IAccessPoint, *, mount_path: str) -> Filesystem:
        """Return the file system of an Amazon EFS access point.

        :param mount_path: `/mnt/` and a name of letters, digits, `.`, `_` and `-`, with up to 200
            characters together, such as `/mnt/data`.
        """
        return _Efs(access_point, mount_path)

    @staticmethod
    @check_arguments
    def s3_files(
        *,
        file_system_arn: str,
        access_point_arn: str,
        mount_path: str,
        security_group: ec2.ISecurityGroup | None = None,
    ) -> Filesystem:
        """Return the file system of an Amazon S3 Files access point, which serves an S3 bucket.

        :param mount_path: `/mnt/` and a name of letters, digits, `.`, `_` and `-`, with up to 200
            characters together, such as `/mnt/data`.
        :param security_group: The security group of the mount targets. Default: unknown, so that
            you have to allow TCP port 2049 from the code interpreter to the mount targets.
        :raises ValueError: if an ARN is not that of a file system or of an access point.
        """
        check_pattern(
            "file_system_arn",
            file_system_arn,
            "arn:.+:file-system/fs-[^/]+",
            "the ARN of a file system, like "
            "'arn:aws:s3files:<region>:<account>:file-system/fs-<id>'",
        )
        check_pattern(
            "access_point_arn",
            access_point_arn,
            "arn:.+access-point/fsap-[^/]+",
            "the ARN of an access point, like "
            "'arn:aws:s3files:<region>:<account>:file-system/fs-<id>/access-point/fsap-<id>'",
        )
        return _S3Files(file_system_arn, access_point_arn, mount_path, security_group)

    @abstractmethod
    def render(self) -> dict[str, Any]:
        """Render the entry of the custom resource's `FilesystemConfigurations`."""

    @abstractmethod
    def allow(self, grantee: iam.IGrantable, connections: ec2.Connections) -> None:
        """Let sandboxes with these connections, and with the role `grantee`, mount and write it."""

    def mount_targets(self) -> list[IDependable]:
        """Return the mount targets that CDK has to create before the code interpreter."""
        return []


def check_filesystems(filesystems: Sequence[Filesystem]) -> None:
    """Check the limits of the API model.

    :raises ValueError: for the first file system that is outside them.
    """
    for kind, count in Counter(filesystem.kind for filesystem in filesystems).items():
        if count > MAX_FILESYSTEMS_OF_A_KIND:
            raise ValueError(
                f"filesystems has {count} of {kind}, but a code interpreter takes at most "
                f"{MAX_FILESYSTEMS_OF_A_KIND} of each kind; remove some"
            )
    paths = [filesystem.mount_path for filesystem in filesystems]
    for path in paths:
        if Token.is_unresolved(path):
            continue
        if not _MOUNT_PATH.fullmatch(path) or len(path) > MAX_MOUNT_PATH_LENGTH:
            raise ValueError(
                f"mount_path is {path!r}, but it must be /mnt/ and one name of letters, digits "
                f"and . _ - with at most {MAX_MOUNT_PATH_LENGTH} characters together; change it"
            )
    for path, count in Counter(path.rstrip("/") for path in paths).items():
        if count > 1:
            raise ValueError(
                f"{count} filesystems have mount_path {path!r}; give each its own path"
            )


@dataclass(frozen=True)
class _Efs(Filesystem):
    kind = "Amazon EFS"

    access_point: efs.IAccessPoint
    mount_path: str

    def render(self) -> dict[str, Any]:
        return {
            "EfsConfiguration": {
                "AccessPointArn": self.access_point.access_point_arn,
                "FileSystemArn": self.access_point.file_system.file_system_arn,
                "MountPath": self.mount_path,
            }
        }

    def allow(self, grantee: iam.IGrantable, connections: ec2.Connections) -> None:
        connections.allow_to(self.access_point.file_system, _NFS, "Mount the file system")
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=MOUNT_EFS,
                resources=[self.access_point.file_system.file_system_arn],
                conditions={
                    "StringEquals": {EFS_ACCESS_POINT_KEY: self.access_point.access_point_arn}
                },
            )
        )
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=DESCRIBE_EFS,
                resources=[
                    self.access_point.file_system.file_system_arn,
                    self.access_point.access_point_arn,
                ],
            )
        )

    def mount_targets(self) -> list[IDependable]:
        return [self.access_point.file_system.mount_targets_available]


@dataclass(frozen=True)
class _S3Files(Filesystem):
    kind = "Amazon S3 Files"

    file_system_arn: str
    access_point_arn: str
    mount_path: str
    security_group: ec2.ISecurityGroup | None

    def render(self) -> dict[str, Any]:
        return {
            "S3FilesConfiguration": {
                "AccessPointArn": self.access_point_arn,
                "FileSystemArn": self.file_system_arn,
                "MountPath": self.mount_path,
            }
        }

    def allow(self, grantee: iam.IGrantable, connections: ec2.Connections) -> None:
        if self.security_group is not None:
            connections.allow_to(self.security_group, _NFS, "Mount the file system")
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=MOUNT_S3_FILES,
                resources=[self.file_system_arn],
                conditions={"StringEquals": {S3_FILES_ACCESS_POINT_KEY: self.access_point_arn}},
            )
        )
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=READ_S3_FILES_ACCESS_POINT, resources=[self.access_point_arn]
            )
        )
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=LIST_S3_FILES_MOUNT_TARGETS, resources=[self.file_system_arn]
            )
        )
