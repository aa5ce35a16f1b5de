"""The example `gateway.py`.

The local AWS has no AgentCore Gateway. Its resources are held against the API's model, the rest
is deployed, and the function is called as a Gateway with these resources calls it.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import validate_parameters

from .calling import Deployed

if TYPE_CHECKING:
    from pathlib import Path

    from local_aws import LocalAws

    from .conftest import Synthesise

ACCOUNT = "200000000021"
TYPES = ("AWS::BedrockAgentCore::Gateway", "AWS::BedrockAgentCore::GatewayTarget")
SESSION = "conversation-7"


@pytest.fixture(scope="module")
def assembly(synthesise: Synthesise) -> Path:
    return synthesise("examples/gateway.py")


@pytest.fixture(scope="module")
def resources(assembly: Path) -> dict[str, dict[str, Any]]:
    """The Gateway's own resources, by type."""
    template = json.loads((assembly / "ToolGateway.template.json").read_text())
    found = {one["Type"]: one for one in template["Resources"].values() if one["Type"] in TYPES}
    assert set(found) == set(TYPES)
    return found


@pytest.fixture(scope="module")
def target(resources: dict[str, dict[str, Any]]) -> dict[str, Any]:
    properties: dict[str, Any] = resources["AWS::BedrockAgentCore::GatewayTarget"]["Properties"]
    return properties


@pytest.fixture(scope="module")
def deployed(assembly: Path, resources: dict[str, dict[str, Any]], local_aws: LocalAws) -> Deployed:
    """All but the Gateway's own resources."""
    path = assembly / "ToolGateway.template.json"
    template = json.loads(path.read_text())
    template["Resources"] = {
        name: one for name, one in template["Resources"].items() if one not in resources.values()
    }
    del template["Outputs"]["GatewayUrl"]
    path.write_text(json.dumps(template))
    return Deployed.deploy(local_aws, ACCOUNT, assembly)


@pytest.mark.parametrize("kind", TYPES)
def test_the_service_takes_its_resources(resources: dict[str, dict[str, Any]], kind: str) -> None:
    model = ServiceModel(Loader().load_service_model("bedrock-agentcore-control", "service-2"))
    operation = model.operation_model("Create" + kind.rpartition("::")[2])
    validate_parameters(in_the_api(resources[kind]["Properties"]), operation.input_shape)


def test_the_target_is_the_function_and_passes_the_session_on(target: dict[str, Any]) -> None:
    function = target["TargetConfiguration"]["Mcp"]["Lambda"]["LambdaArn"]["Fn::GetAtt"]
    assert function[0].startswith("InvokeFunction")
    assert target["MetadataConfiguration"] == {
        "AllowedRequestHeaders": ["x-code-interpreter-session"]
    }
    assert target["CredentialProviderConfigurations"] == [
        {"CredentialProviderType": "GATEWAY_IAM_ROLE"}
    ]


def test_only_signed_requests_are_let_in(resources: dict[str, dict[str, Any]]) -> None:
    gateway = resources["AWS::BedrockAgentCore::Gateway"]["Properties"]
    assert (gateway["AuthorizerType"], gateway["ProtocolType"]) == ("AWS_IAM", "MCP")


def test_the_gateway_may_invoke_the_function_before_it_is_its_target(
    resources: dict[str, dict[str, Any]], deployed: Deployed
) -> None:
    role = deployed.physical_id("GatewayServiceRole")
    function = (
        f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:" + deployed.outputs["InvokeFunctionName"]
    )
    assert deployed.may(role, "lambda:InvokeFunction", function)
    assert not deployed.may(role, "lambda:InvokeFunction", f"{function}-of-others")
    needed = resources["AWS::BedrockAgentCore::GatewayTarget"]["DependsOn"]
    assert [one for one in needed if one.startswith("GatewayServiceRoleDefaultPolicy")]


def test_a_call_has_the_session_of_the_header(target: dict[str, Any], deployed: Deployed) -> None:
    """Every other tool is called by a Gateway's event in `tests/e2e/deploy/test_tools.py`."""
    answer = called(deployed, target, "execute_code", {"code": "print(6 * 7)"}, SESSION)
    assert (answer["status"], answer["session"]) == ("ok", SESSION)
    assert answer["stdout"] == "42"


def test_without_the_header_a_call_has_a_sandbox_of_its_own(
    target: dict[str, Any], deployed: Deployed
) -> None:
    first = called(deployed, target, "execute_code", {"code": "z = 1"})
    second = called(deployed, target, "execute_code", {"code": "print(z)"})
    assert (first["status"], second["status"]) == ("ok", "error")
    assert second["error"]["type"] == "CodeFailed"
    assert first["session"] != second["session"]
    refused = called(deployed, target, "workspace_list", {})
    assert refused["error"]["type"] == "InvalidRequest"
    assert "x-code-interpreter-session" in refused["error"]["message"]


def called(
    deployed: Deployed,
    target: dict[str, Any],
    tool: str,
    arguments: dict[str, Any],
    session: str | None = None,
) -> dict[str, Any]:
    """What the function answers a Gateway with this target.

    The event is the tool's arguments, and everything else is in the client context (AgentCore's
    developer guide, "Lambda function targets").
    """
    [header] = target["MetadataConfiguration"]["AllowedRequestHeaders"]
    custom: dict[str, Any] = {
        "bedrockAgentCoreMessageVersion": "1.0",
        "bedrockAgentCoreAwsRequestId": str(uuid.uuid4()),
        "bedrockAgentCoreMcpMessageId": "1",
        "bedrockAgentCoreGatewayId": "toolgateway-abcdefghij",
        "bedrockAgentCoreTargetId": "ABCDEFGHIJ",
        "bedrockAgentCoreToolName": f"{target['Name']}___{tool}",
    }
    if session is not None:
        custom["bedrockAgentCorePropagatedHeaders"] = {header: session}
    context = base64.b64encode(json.dumps({"custom": custom}).encode()).decode()
    function = deployed.outputs["InvokeFunctionName"]
    return deployed.invoke(function, arguments, ClientContext=context)


def in_the_api(value: Any) -> Any:
    """A property as the API spells it, with a text in the place of a reference."""
    if isinstance(value, list):
        return [in_the_api(one) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) <= {"Ref", "Fn::GetAtt"}:
        return "what is referred to"
    return {name[0].lower() + name[1:]: in_the_api(one) for name, one in value.items()}
