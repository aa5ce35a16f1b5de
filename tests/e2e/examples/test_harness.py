"""The example `harness.py`.

The local AWS has no AgentCore Harness. These tests compare it with the API's model, and deploy the
other resources.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import validate_parameters

from .calling import Deployed
from .test_gateway import as_api_member

if TYPE_CHECKING:
    from pathlib import Path

    from local_aws import LocalAws

    from .conftest import Synthesise

ACCOUNT = "200000000024"
TYPE = "AWS::BedrockAgentCore::Harness"


@pytest.fixture(scope="module")
def assembly(synthesise: Synthesise) -> Path:
    return synthesise("examples/harness.py", {"model": "vendor.some-model-v1:0"})


@pytest.fixture(scope="module")
def template(assembly: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((assembly / "Harness.template.json").read_text())
    return value


@pytest.fixture(scope="module")
def harness(template: dict[str, Any]) -> dict[str, Any]:
    [found] = [one for one in template["Resources"].values() if one["Type"] == TYPE]
    properties: dict[str, Any] = found["Properties"]
    return properties


@pytest.fixture(scope="module")
def deployed(assembly: Path, template: dict[str, Any], local_aws: LocalAws) -> Deployed:
    """Deploy the template without the harness."""
    resources = {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] != TYPE
    }
    path = assembly / "Harness.template.json"
    path.write_text(json.dumps({**template, "Resources": resources, "Outputs": {}}))
    return Deployed.deploy(local_aws, ACCOUNT, assembly)


def test_the_harness_matches_the_api(harness: dict[str, Any]) -> None:
    model = ServiceModel(Loader().load_service_model("bedrock-agentcore-control", "service-2"))
    shape = model.operation_model("CreateHarness").input_shape
    validate_parameters(as_api_member(harness), shape)
    [tool] = harness["Tools"]
    kinds = shape.members["tools"].member.members["type"].enum
    assert tool["Type"] in kinds


def test_its_tool_is_the_interpreter_of_the_stack(
    template: dict[str, Any], harness: dict[str, Any]
) -> None:
    [tool] = harness["Tools"]
    [name, attribute] = tool["Config"]["AgentCoreCodeInterpreter"]["CodeInterpreterArn"][
        "Fn::GetAtt"
    ]
    assert template["Resources"][name]["Type"] == "Custom::CodeInterpreter"
    assert attribute.endswith("Arn")


def test_its_role_may_use_the_interpreter_and_the_model_and_no_others(deployed: Deployed) -> None:
    role = deployed.physical_id("Role")
    [interpreter] = deployed.client("bedrock-agentcore-control").list_code_interpreters(
        type="CUSTOM"
    )["codeInterpreterSummaries"]
    arn = interpreter["codeInterpreterArn"]
    for action in ("StartCodeInterpreterSession", "InvokeCodeInterpreter"):
        assert deployed.may(role, f"bedrock-agentcore:{action}", arn)
        assert not deployed.may(role, f"bedrock-agentcore:{action}", f"{arn}-of-others")
    models = "arn:aws:bedrock:us-east-1::foundation-model/"
    assert deployed.may(role, "bedrock:InvokeModel", f"{models}vendor.some-model-v1:0")
    assert not deployed.may(role, "bedrock:InvokeModel", f"{models}vendor.other-model-v1:0")
