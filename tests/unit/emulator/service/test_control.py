"""The rules for networks and filesystems that the shapes of the API model do not have."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentcore_emulator.model.errors import ValidationError
from agentcore_emulator.service.clock import ServiceClock
from agentcore_emulator.service.control import ControlPlane, check_filesystems, check_network
from agentcore_emulator.service.owner import Owner
from agentcore_emulator.service.roles import EveryRole
from agentcore_emulator.settings import EmulatorSettings
from agentcore_emulator.testing.faults import Faults

SANDBOX = {"networkMode": "SANDBOX"}
VPC = {
    "networkMode": "VPC",
    "vpcConfig": {"subnets": ["subnet-12345678"], "securityGroups": ["sg-12345678"]},
}


@pytest.mark.parametrize(
    ("network", "member"),
    [
        ({"networkMode": "VPC"}, "networkConfiguration.vpcConfig"),
        (VPC | {"networkMode": "PUBLIC"}, "networkConfiguration.vpcConfig"),
        (VPC | SANDBOX, "networkConfiguration.vpcConfig"),
        (
            {"networkMode": "VPC", "vpcConfig": {"requireServiceS3Endpoint": False}},
            "networkConfiguration.vpcConfig.requireServiceS3Endpoint",
        ),
    ],
)
def test_fails_on_a_network_that_contradicts_itself(network: dict[str, Any], member: str) -> None:
    with pytest.raises(ValidationError) as error:
        check_network(network, EmulatorSettings())
    assert [field["name"] for field in error.value.members["fieldList"]] == [member]


def mount(kind: str, path: str) -> dict[str, Any]:
    return {kind: {"mountPath": path}}


S3_FILES, EFS = "s3FilesConfiguration", "efsConfiguration"


@pytest.mark.parametrize(
    ("filesystems", "options"),
    [
        ([mount(EFS, "/mnt/a")], {"network_mode": "SANDBOX"}),
        ([mount(EFS, "/mnt/a")], {"has_role": False}),
        ([mount(EFS, f"/mnt/{n}") for n in range(3)], {}),
        ([mount(S3_FILES, f"/mnt/{n}") for n in range(3)], {}),
        ([mount(EFS, "/mnt/a"), mount(S3_FILES, "/mnt/a/")], {}),
        ([mount(EFS, "/mnt/a")], {"mounted": [mount(EFS, "/mnt/a")]}),
    ],
)
def test_fails_on_filesystems_that_cannot_be_mounted(
    filesystems: list[dict[str, Any]], options: dict[str, Any]
) -> None:
    mountable: dict[str, Any] = {"network_mode": "VPC", "has_role": True}
    with pytest.raises(ValidationError, match="filesystemConfigurations"):
        check_filesystems(filesystems, **(mountable | options))


def test_two_filesystems_of_each_kind_can_be_mounted() -> None:
    four = [mount(kind, f"/mnt/{kind}{n}") for kind in (S3_FILES, EFS) for n in range(2)]
    check_filesystems(four, network_mode="VPC", has_role=True, mounted=[mount(EFS, "/mnt/other")])


class NoRole(EveryRole):
    """No role exists."""

    def trusts_service(self, *_: object) -> bool:
        return False


def test_a_create_that_is_refused_uses_up_no_fault() -> None:
    faults = Faults()
    faults.add({"kind": "create_failed", "reason": "r"})
    plane = ControlPlane(EmulatorSettings(), ServiceClock(), faults, NoRole())
    params = {
        "name": "one",
        "networkConfiguration": SANDBOX,
        "executionRoleArn": "arn:aws:iam::111122223333:role/none",
    }
    with pytest.raises(ValidationError, match="role validation failed"):
        asyncio.run(plane.create_code_interpreter(Owner("111122223333", "us-east-1"), params))
    assert faults.create_failure() == "r"
