"""The credentials of a role do not outlive a session that does not start."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest

from agentcore_emulator.instance_metadata import Credentials, InstanceMetadata
from agentcore_emulator.service.owner import Owner
from agentcore_emulator.service.role_session import RoleSession

if TYPE_CHECKING:
    from agentcore_emulator.service.roles import ExecutionRoles

CREDENTIALS = Credentials("ASIA", "test", "test", datetime.now(UTC))


class Roles:
    """Roles that give credentials."""

    def __init__(self) -> None:
        self.revoked: list[Credentials] = []

    def assume(self, *_: object) -> Credentials:
        return CREDENTIALS

    def revoke(self, credentials: Credentials) -> None:
        self.revoked.append(credentials)


@pytest.mark.parametrize("error", [OSError("too many open files"), asyncio.CancelledError()])
def test_credentials_are_revoked_if_nothing_can_give_them_to_the_sandbox(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(*_: object) -> None:
        raise error

    monkeypatch.setattr(InstanceMetadata, "start", start)
    roles = Roles()
    owner = Owner("1", "us-east-1")
    with pytest.raises(type(error)):
        asyncio.run(
            RoleSession.start(cast("ExecutionRoles", roles), owner, "role", timedelta(hours=1))
        )
    assert roles.revoked == [CREDENTIALS]
