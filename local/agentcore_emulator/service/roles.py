"""The execution roles of code interpreters. IAM is not the emulator's: its owner has the roles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Protocol

from agentcore_emulator.instance_metadata import Credentials
from agentcore_emulator.service.owner import Owner


class ExecutionRoles(Protocol):
    """Decides for the roles of every account, as IAM does."""

    def trusts_service(self, owner: Owner, role_arn: str, interpreter_arn: str) -> bool:
        """Tell whether the role exists and the service can assume it for the interpreter."""

    def can_mount(self, owner: Owner, role_arn: str, filesystem: dict[str, Any]) -> bool:
        """Tell whether the role's policies allow it to mount one of `filesystemConfigurations`."""

    def can_describe_mount(self, owner: Owner, role_arn: str, filesystem: dict[str, Any]) -> bool:
        """Tell whether they allow it to describe the access point and the mount targets of one."""

    def assume(self, owner: Owner, role_arn: str, lifetime: timedelta) -> Credentials | None:
        """Return new credentials of a role that trusts the service, or None if none are given."""

    def revoke(self, credentials: Credentials) -> None:
        """End the validity of credentials."""


def not_mountable(
    roles: ExecutionRoles,
    owner: Owner,
    configuration: dict[str, Any],
    filesystems: list[dict[str, Any]],
    *,
    describes: bool,
) -> str | None:
    """Return the ARN of a file system that an interpreter's role may not mount, or None.

    `describes` requires the permissions to describe the mounts, too.
    """
    for filesystem in filesystems:
        role = configuration["executionRoleArn"]
        if not roles.can_mount(owner, role, filesystem) or (
            describes and not roles.can_describe_mount(owner, role, filesystem)
        ):
            [target] = filesystem.values()
            return str(target["fileSystemArn"])
    return None


class EveryRole:
    """Roles that exist, trust the service and may mount everything: there is no IAM to ask.

    There are no credentials either, because no service would accept them.
    """

    def trusts_service(self, owner: Owner, role_arn: str, interpreter_arn: str) -> bool:  # noqa: ARG002 - the protocol's signature
        return True

    def can_mount(self, owner: Owner, role_arn: str, filesystem: dict[str, Any]) -> bool:  # noqa: ARG002 - the protocol's signature
        return True

    def can_describe_mount(self, owner: Owner, role_arn: str, filesystem: dict[str, Any]) -> bool:  # noqa: ARG002 - the protocol's signature
        return True

    def assume(self, owner: Owner, role_arn: str, lifetime: timedelta) -> None:
        pass

    def revoke(self, credentials: Credentials) -> None:
        pass
