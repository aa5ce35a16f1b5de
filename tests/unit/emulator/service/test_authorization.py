from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentcore_emulator.service.authorization import access_request
from agentcore_emulator.service.clock import ServiceClock
from agentcore_emulator.service.control import ControlPlane
from agentcore_emulator.service.owner import Owner
from agentcore_emulator.service.roles import EveryRole
from agentcore_emulator.settings import EmulatorSettings
from agentcore_emulator.testing.faults import Faults

AT_ONCE = EmulatorSettings(resource_tags="at_once")
ONCE_READY = EmulatorSettings(resource_tags="once_ready")
NEVER = EmulatorSettings(resource_tags="never")
OWNER = Owner("111122223333", "eu-west-1")
PREFIX = "arn:aws:bedrock-agentcore:eu-west-1"
ARN = f"{PREFIX}:111122223333:code-interpreter-custom/a-0123456789"
SYSTEM_ARN = f"{PREFIX}:aws:code-interpreter/aws.codeinterpreter.v1"


@pytest.fixture
def interpreters() -> ControlPlane:
    return ControlPlane(AT_ONCE, ServiceClock(), Faults(), EveryRole())


@pytest.mark.parametrize(
    ("operation", "params", "resource"),
    [
        ("CreateCodeInterpreter", {"name": "a"}, "*"),
        ("ListCodeInterpreters", {}, "*"),
        ("GetCodeInterpreter", {"codeInterpreterId": "a-0123456789"}, ARN),
        ("ListTagsForResource", {"resourceArn": ARN}, ARN),
        ("InvokeCodeInterpreter", {"codeInterpreterIdentifier": "a-0123456789"}, ARN),
        ("InvokeCodeInterpreter", {"codeInterpreterIdentifier": ARN}, ARN),
        (
            "ListCodeInterpreterSessions",
            {"codeInterpreterIdentifier": "aws.codeinterpreter.v1"},
            SYSTEM_ARN,
        ),
    ],
)
def test_action_and_resource(
    interpreters: ControlPlane, operation: str, params: dict[str, Any], resource: str
) -> None:
    access = access_request(OWNER, "AKIA", operation, params, interpreters)
    assert access.action == f"bedrock-agentcore:{operation}"
    assert access.resource_arn == resource
    assert (access.access_key, access.account, access.region) == ("AKIA", *OWNER)
    assert access.context == {}


def test_condition_keys_of_a_request(interpreters: ControlPlane) -> None:
    vpc = {"subnets": ["subnet-12345678"], "securityGroups": ["sg-12345678"]}
    params = {
        "name": "a",
        "tags": {"team": "x"},
        "networkConfiguration": {"networkMode": "VPC", "vpcConfig": vpc},
    }
    access = access_request(OWNER, "AKIA", "CreateCodeInterpreter", params, interpreters)
    assert access.context == {
        "aws:RequestTag/team": "x",
        "aws:TagKeys": ["team"],
        "bedrock-agentcore:subnets": ["subnet-12345678"],
        "bedrock-agentcore:securityGroups": ["sg-12345678"],
    }
    untag = access_request(
        OWNER, "AKIA", "UntagResource", {"resourceArn": ARN, "tagKeys": ["b"]}, interpreters
    )
    assert untag.context == {"aws:TagKeys": ["b"]}


def test_condition_keys_of_a_resource(interpreters: ControlPlane) -> None:
    created = asyncio.run(
        interpreters.create_code_interpreter(
            OWNER,
            {
                "name": "a",
                "networkConfiguration": {"networkMode": "PUBLIC"},
                "tags": {"team": "x"},
            },
        )
    )
    params = {"codeInterpreterIdentifier": created["codeInterpreterId"]}
    for owner, context in (
        (OWNER, {"aws:ResourceTag/team": "x"}),
        (OWNER._replace(account="1"), {}),
    ):
        access = access_request(owner, "AKIA", "InvokeCodeInterpreter", params, interpreters)
        assert access.context == context


class Failing(Faults):
    """Creations that end in CREATE_FAILED."""

    def create_failure(self) -> str:
        return "no capacity"


@pytest.mark.parametrize(
    ("settings", "outcomes", "tags_at_once", "tags_later"),
    [
        (AT_ONCE, Faults(), True, True),
        (ONCE_READY, Faults(), False, True),
        (NEVER, Faults(), False, False),
        (AT_ONCE, Failing(), True, True),
        (ONCE_READY, Failing(), False, False),
    ],
)
def test_policies_see_the_tags_at_once_or_once_the_interpreter_is_ready_or_never(
    settings: EmulatorSettings, outcomes: Faults, *, tags_at_once: bool, tags_later: bool
) -> None:
    clock = ServiceClock()
    interpreters = ControlPlane(settings, clock, outcomes, EveryRole())
    network = {"networkMode": "PUBLIC"}
    params = {"name": "a", "networkConfiguration": network, "tags": {"team": "x"}}
    created = asyncio.run(interpreters.create_code_interpreter(OWNER, params))
    params = {"codeInterpreterId": created["codeInterpreterId"]}
    for tags in (tags_at_once, tags_later):
        access = access_request(OWNER, "AKIA", "GetCodeInterpreter", params, interpreters)
        assert access.context == ({"aws:ResourceTag/team": "x"} if tags else {})
        clock.advance(60)
