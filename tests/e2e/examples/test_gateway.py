"""The example `gateway.py`.

The local AWS has no AgentCore Gateway. These tests compare its resources with the API's model,
deploy the other resources, and call the function as the Gateway would.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import validate_parameters

from tests.environments import python_with

from .calling import Deployed

if TYPE_CHECKING:
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
    """Return the Gateway's own resources by type."""
    template = json.loads((assembly / "ToolGateway.template.json").read_text())
    found = {
        resource["Type"]: resource
        for resource in template["Resources"].values()
        if resource["Type"] in TYPES
    }
    assert set(found) == set(TYPES)
    return found


@pytest.fixture(scope="module")
def target(resources: dict[str, dict[str, Any]]) -> dict[str, Any]:
    properties: dict[str, Any] = resources["AWS::BedrockAgentCore::GatewayTarget"]["Properties"]
    return properties


@pytest.fixture(scope="module")
def deployed(assembly: Path, resources: dict[str, dict[str, Any]], local_aws: LocalAws) -> Deployed:
    """Deploy the template without the Gateway's own resources."""
    path = assembly / "ToolGateway.template.json"
    template = json.loads(path.read_text())
    template["Resources"] = {
        name: resource
        for name, resource in template["Resources"].items()
        if resource not in resources.values()
    }
    del template["Outputs"]["GatewayUrl"]
    path.write_text(json.dumps(template))
    return Deployed.deploy(local_aws, ACCOUNT, assembly)


@pytest.mark.parametrize("kind", TYPES)
def test_the_gateways_resources_match_the_api(
    resources: dict[str, dict[str, Any]], kind: str
) -> None:
    model = ServiceModel(Loader().load_service_model("bedrock-agentcore-control", "service-2"))
    operation = model.operation_model("Create" + kind.rpartition("::")[2])
    validate_parameters(as_api_member(resources[kind]["Properties"]), operation.input_shape)


def test_the_target_is_the_function_and_forwards_the_session(target: dict[str, Any]) -> None:
    function = target["TargetConfiguration"]["Mcp"]["Lambda"]["LambdaArn"]["Fn::GetAtt"]
    assert function[0].startswith("InvokeFunction")
    assert target["MetadataConfiguration"] == {
        "AllowedRequestHeaders": ["x-code-interpreter-session", "traceparent"]
    }
    assert target["CredentialProviderConfigurations"] == [
        {"CredentialProviderType": "GATEWAY_IAM_ROLE"}
    ]


def test_the_gateway_accepts_only_signed_requests(resources: dict[str, dict[str, Any]]) -> None:
    gateway = resources["AWS::BedrockAgentCore::Gateway"]["Properties"]
    assert (gateway["AuthorizerType"], gateway["ProtocolType"]) == ("AWS_IAM", "MCP")


def test_the_gateway_may_invoke_the_function_before_the_target_exists(
    resources: dict[str, dict[str, Any]], deployed: Deployed
) -> None:
    role = deployed.physical_id("GatewayServiceRole")
    function = (
        f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:" + deployed.outputs["InvokeFunctionName"]
    )
    assert deployed.may(role, "lambda:InvokeFunction", function)
    assert not deployed.may(role, "lambda:InvokeFunction", f"{function}-of-others")
    needed = resources["AWS::BedrockAgentCore::GatewayTarget"]["DependsOn"]
    assert [name for name in needed if name.startswith("GatewayServiceRoleDefaultPolicy")]


def test_a_call_has_the_session_of_the_header(target: dict[str, Any], deployed: Deployed) -> None:
    """Every other tool is called by a Gateway's event in `tests/e2e/deploy/test_tools.py`."""
    response = call_through_gateway(
        deployed, target, "execute_code", {"code": "print(6 * 7)"}, SESSION
    )
    assert (response["status"], response["session"]) == ("ok", SESSION)
    assert response["stdout"] == "42"


def test_a_call_without_the_header_gets_a_temporary_sandbox(
    target: dict[str, Any], deployed: Deployed
) -> None:
    first = call_through_gateway(deployed, target, "execute_code", {"code": "z = 1"})
    second = call_through_gateway(deployed, target, "execute_code", {"code": "print(z)"})
    assert (first["status"], second["status"]) == ("ok", "error")
    assert second["error"]["type"] == "CodeFailed"
    assert first["session"] != second["session"]
    refused = call_through_gateway(deployed, target, "workspace_list", {})
    assert refused["error"]["type"] == "InvalidRequest"
    assert "x-code-interpreter-session" in refused["error"]["message"]


@pytest.mark.slow
def test_a_gateway_of_others_calls_the_tools(target: dict[str, Any], deployed: Deployed) -> None:
    """localcore-gateway implements the Gateway's contract, and passes no headers on."""
    schemas = target["TargetConfiguration"]["Mcp"]["Lambda"]["ToolSchema"]["InlinePayload"]
    described = {
        "name": target["Name"],
        "function": deployed.outputs["InvokeFunctionName"],
        "tools": [as_api_member(schema) for schema in schemas],
    }
    done = subprocess.run(
        [python_with("gateway"), Path(__file__).with_name("calls_through_gateway.py")],
        input=json.dumps(described),
        env={**os.environ, **deployed.aws.environment(ACCOUNT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["tools"] == [f"{target['Name']}___{tool['name']}" for tool in described["tools"]]
    computed, failed, echoed, refused = seen["responses"]
    assert (computed["status"], computed["stdout"]) == ("ok", "42")
    assert failed["error"]["exception"]["type"] == "ZeroDivisionError"
    assert echoed["stdout"] == "2\n"
    assert refused["error"]["type"] == "InvalidRequest"


def call_through_gateway(
    deployed: Deployed,
    target: dict[str, Any],
    tool: str,
    arguments: dict[str, Any],
    session: str | None = None,
) -> dict[str, Any]:
    """Call the function as a Gateway with this target does, and return its response.

    The event has the tool's arguments, and the client context everything else (AgentCore's
    developer guide, "Lambda function targets").
    """
    [header, _] = target["MetadataConfiguration"]["AllowedRequestHeaders"]
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


def as_api_member(value: Any) -> Any:
    """Return a property in the API's spelling, with a string for each reference."""
    if isinstance(value, list):
        return [as_api_member(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) <= {"Ref", "Fn::GetAtt"}:
        return "reference"
    return {name[0].lower() + name[1:]: as_api_member(member) for name, member in value.items()}
