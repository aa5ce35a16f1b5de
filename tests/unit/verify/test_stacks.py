"""The stacks of the experiments: the local AWS deploys only some of them."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CliCredentialsStackSynthesizer
from aws_cdk.assertions import Template

from tests.unit.constructs.everything import new_app
from verify.names import FUNCTION_SECONDS, RUN_TAG
from verify.stacks import STACKS

# The outputs that the experiments read.
OUTPUTS = {
    "Permissions": {
        "Subnet",
        "OtherSubnet",
        "Group",
        "OtherGroupId",
        "GroupsRole",
        "LeavingRole",
        "SubnetsRole",
        "TagsRole",
        "TrustsBothRole",
        "TrustsIdRole",
        "UntrustingRole",
        "WriterRole",
    },
    "Mounts": {
        "AccessPointArn",
        "DescribingRole",
        "FileSystemArn",
        "Group",
        "MountingRole",
        "NeitherRole",
        "SubnetIds",
    },
    "Function": {"InvokeFunctionName", "WorkspaceBucketName"},
    "FunctionInVpc": {"InvokeFunctionName", "WorkspaceBucketName"},
    "Gateway": {"GatewayId", "GatewayUrl", "TargetId"},
    "Sealed": {"Group", "SubnetIds"},
}


@pytest.fixture(scope="module", params=STACKS)
def synthesised(request: pytest.FixtureRequest) -> tuple[str, Template]:
    kind = request.param
    app = new_app(
        {"kind": kind, "run": "r", "bucket": "a-bucket"},
        default_stack_synthesizer=CliCredentialsStackSynthesizer(),
    )
    return kind, Template.from_stack(STACKS[kind](app, f"Verify-r-{kind}"))


def test_a_stack_has_the_outputs_that_the_experiments_read(
    synthesised: tuple[str, Template],
) -> None:
    kind, template = synthesised
    assert set(template.find_outputs("*")) >= OUTPUTS[kind]


def test_a_stack_leaves_nothing_behind(synthesised: tuple[str, Template]) -> None:
    """The policies that keep a resource are the only way in which a deleted stack leaves one."""
    _, template = synthesised
    resources: dict[str, Any] = template.to_json()["Resources"]
    kept = {
        f"{name} ({resource['Type']})"
        for name, resource in resources.items()
        if resource.get("DeletionPolicy", "Delete") not in ("Delete", "RetainExceptOnCreate")
    }
    assert kept == set()


def test_the_stacks_have_what_their_experiments_are_about(
    synthesised: tuple[str, Template],
) -> None:
    kind, template = synthesised
    text = str(template.to_json())
    marks = {
        "Permissions": [f"aws:ResourceTag/{RUN_TAG}", "bedrock-agentcore:securityGroups"],
        "Mounts": ["elasticfilesystem:DescribeMountTargets", "AWS::EFS::MountTarget"],
        "Function": [f"'Timeout': {FUNCTION_SECONDS}"],
        "FunctionInVpc": ["AWS::EC2::NatGateway", "'VpcConfig'"],
        "Sealed": ["'EnableDnsSupport': False"],
        "Gateway": ["AllowedRequestHeaders", "'AuthorizerType': 'AWS_IAM'"],
    }
    assert [mark for mark in marks[kind] if mark not in text] == []
