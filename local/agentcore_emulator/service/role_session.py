"""The role session in which one sandbox acts as its interpreter's execution role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Self

from agentcore_emulator.instance_metadata import Credentials, InstanceMetadata
from agentcore_emulator.service.owner import Owner
from agentcore_emulator.service.roles import ExecutionRoles

# A machine of AWS's has metadata of its own, with credentials that no sandbox may get.
NO_ROLE: Mapping[str, str] = MappingProxyType({"AWS_EC2_METADATA_DISABLED": "true"})

# Credentials are ended with their session. They last longer than it, because botocore renews
# credentials up to 15 minutes before they expire.
LONGER = timedelta(hours=1)


@dataclass(frozen=True)
class RoleSession:
    """Credentials of the role, and the metadata that gives them to the sandbox's programs."""

    roles: ExecutionRoles
    credentials: Credentials
    metadata: InstanceMetadata

    @classmethod
    async def start(
        cls, roles: ExecutionRoles, owner: Owner, role_arn: str, lifetime: timedelta
    ) -> Self | None:
        """Assume the role for a sandbox. Return None if nobody gives credentials of roles."""
        credentials = roles.assume(owner, role_arn, lifetime + LONGER)
        if credentials is None:
            return None
        try:
            metadata = await InstanceMetadata.start(credentials, owner.region)
        except BaseException:
            roles.revoke(credentials)
            raise
        return cls(roles, credentials, metadata)

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables with which AWS's SDKs find the credentials."""
        return {
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.metadata.endpoint,
            # botocore waits for a second, once; the emulator may be busy for longer.
            "AWS_METADATA_SERVICE_TIMEOUT": "10",
            "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "3",
        }

    async def end(self) -> None:
        """End the metadata and the credentials."""
        self.roles.revoke(self.credentials)
        await self.metadata.close()
