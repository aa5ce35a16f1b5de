"""The credentials of an execution role in the sandboxes of its interpreter."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from agentcore_emulator.instance_metadata import Credentials
from agentcore_emulator.service.owner import Owner
from agentcore_emulator.service.roles import EveryRole
from tests.integration.emulator.serving import REGION, MemorySandbox, Served, serving

ROLE = "arn:aws:iam::111122223333:role/r"
ENDPOINT = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
REGION_VARIABLES = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}


class Roles(EveryRole):
    """Roles with credentials. It remembers those in use, and for how long they were wanted."""

    def __init__(self) -> None:
        self.used: list[Credentials] = []
        self.lifetimes: list[timedelta] = []
        self.trusts = True

    def trusts_service(self, *_: Any) -> bool:
        return self.trusts

    def assume(self, owner: Owner, role_arn: str, lifetime: timedelta) -> Any:
        assert (owner, role_arn) == (Owner("111122223333", REGION), ROLE)
        self.lifetimes.append(lifetime)
        key = f"ASIA{len(self.lifetimes)}"
        self.used.append(Credentials(key, "secret", "token", datetime(2030, 1, 1, tzinfo=UTC)))
        return self.used[-1]

    def revoke(self, credentials: Credentials) -> None:
        self.used.remove(credentials)


def is_served(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(f"{endpoint}/latest/meta-data/")
    except urllib.error.HTTPError as error:
        return error.code == 401
    except urllib.error.URLError as error:
        assert isinstance(error.reason, ConnectionRefusedError)
    return False


def test_each_session_has_metadata_of_its_own_until_it_ends() -> None:
    roles = Roles()
    with serving(roles=roles) as served:
        interpreter = {"codeInterpreterIdentifier": served.interpreter(executionRoleArn=ROLE)}
        first = served.session(**interpreter)
        served.session(**interpreter, sessionTimeoutSeconds=60)
        endpoints = [sandbox.variables[ENDPOINT] for sandbox in served.sandboxes]
        assert len(set(endpoints)) == 2
        assert all(map(is_served, endpoints))
        # The credentials of a session outlast it.
        assert all(
            lifetime > timedelta(seconds=seconds)
            for lifetime, seconds in zip(roles.lifetimes, (900, 60), strict=True)
        )
        served.data().stop_code_interpreter_session(**first)
        assert list(map(is_served, endpoints)) == [False, True]
        assert [credentials.access_key_id for credentials in roles.used] == ["ASIA2"]
        served.advance(61)
        assert list(map(is_served, endpoints)) == [False, False]
        assert roles.used == []


def test_a_reset_ends_the_metadata() -> None:
    roles = Roles()
    with serving(roles=roles) as served:
        served.session(codeInterpreterIdentifier=served.interpreter(executionRoleArn=ROLE))
        served.local("POST", "reset")
        assert not is_served(served.sandboxes[0].variables[ENDPOINT])
        assert roles.used == []


def test_a_sandbox_that_does_not_start_leaves_no_credentials() -> None:
    started: list[Mapping[str, str]] = []

    async def fail(_: Path, variables: Mapping[str, str]) -> MemorySandbox:
        started.append(variables)
        raise RuntimeError("no sandbox today")

    roles = Roles()
    with serving(roles=roles, start_sandbox=fail) as served:
        interpreter_id = served.interpreter(executionRoleArn=ROLE)
        assert error_of_start(served, interpreter_id) == "InternalServerException"
        assert not is_served(started[0][ENDPOINT])
    assert (len(roles.lifetimes), roles.used) == (1, [])


def error_of_start(served: Served, interpreter_id: str) -> str:
    with pytest.raises(ClientError) as error:
        served.session(codeInterpreterIdentifier=interpreter_id)
    return str(error.value.response["Error"]["Code"])


def without_credentials(served: Served) -> bool:
    """Tell whether the last sandbox has no metadata, not even the machine's."""
    return served.sandboxes[-1].variables == {"AWS_EC2_METADATA_DISABLED": "true"}


def test_without_a_role_there_are_no_credentials() -> None:
    roles = Roles()
    with serving(roles=roles) as served:
        served.session()
        assert without_credentials(served)
    assert roles.lifetimes == []


def test_an_emulator_alone_has_no_credentials_for_a_role(served: Served) -> None:
    served.session(codeInterpreterIdentifier=served.interpreter(executionRoleArn=ROLE))
    assert without_credentials(served)


def test_the_sandbox_can_have_the_region() -> None:
    with serving(region_variables=True) as served:
        served.session()
        assert served.sandboxes[0].variables == {
            "AWS_EC2_METADATA_DISABLED": "true",
            **REGION_VARIABLES,
        }


@pytest.mark.parametrize("error", ["AccessDeniedException", "ValidationException"])
def test_a_role_that_can_no_longer_be_assumed(error: str) -> None:
    roles = Roles()
    with serving(roles=roles, role_not_assumable=error) as served:
        interpreter_id = served.interpreter(executionRoleArn=ROLE)
        roles.trusts = False
        assert error_of_start(served, interpreter_id) == error
        assert (served.sandboxes, roles.lifetimes) == ([], [])
