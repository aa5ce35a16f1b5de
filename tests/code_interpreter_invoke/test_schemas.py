from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from code_interpreter_invoke.schemas import (
    agent_function_schema,
    converse_tool_config,
    gateway_tool_schema,
    model_tools,
    reference_table,
)
from code_interpreter_invoke.tools import TOOLS
from tests.code_interpreter_invoke.fakes import World

SESSION = botocore.session.Session()


def member(service: str, operation: str, *path: str) -> Any:
    shape: Any = SESSION.get_service_model(service).operation_model(operation).input_shape
    for name in path:
        shape = shape.member if name == "*" else shape.members[name]
    return shape


def strings(shape: Any, value: Any) -> Iterator[tuple[Any, str]]:
    """Every string of a value with its shape, map keys included."""
    if isinstance(value, str):
        yield shape, value
    elif isinstance(value, list):
        for item in value:
            yield from strings(shape.member, item)
    elif isinstance(value, dict) and shape.type_name == "map":
        for key, item in value.items():
            yield shape.key, key
            yield from strings(shape.value, item)
    elif isinstance(value, dict) and not getattr(shape, "is_document_type", False):
        for key, item in value.items():
            yield from strings(shape.members[key], item)


CASES = [
    pytest.param(
        member(
            "bedrock-agentcore-control",
            "CreateGatewayTarget",
            *("targetConfiguration", "mcp", "lambda", "toolSchema"),
        ),
        {"inlinePayload": gateway_tool_schema(TOOLS.values())},
        id="gateway",
    ),
    pytest.param(
        member("bedrock-agent", "CreateAgentActionGroup", "functionSchema"),
        agent_function_schema(),
        id="agent",
    ),
    pytest.param(
        member("bedrock-runtime", "Converse", "toolConfig"),
        converse_tool_config(TOOLS.values()),
        id="converse",
    ),
]


@pytest.mark.parametrize(("shape", "schema"), CASES)
def test_schemas_are_what_the_services_take(shape: Any, schema: Any) -> None:
    report = ParamValidator().validate(schema, shape)
    assert not report.has_errors(), report.generate_report()
    for found, value in strings(shape, schema):
        limits = found.metadata
        assert limits.get("min", 0) <= len(value) <= limits.get("max", 10**9), value
        assert not found.enum or value in found.enum
        assert "pattern" not in limits or re.fullmatch(limits["pattern"], value), value


def test_models_are_offered_the_tools_of_the_skill() -> None:
    assert [tool.name for tool in model_tools()] == [
        "execute_code",
        "execute_command",
        "file_operations",
        "ci_push_to_workspace",
        "workspace_list",
        "workspace_read",
        "workspace_write",
    ]


def test_the_gateway_is_told_allowed_values_in_words() -> None:
    [tool] = [tool for tool in gateway_tool_schema() if tool["name"] == "execute_code"]
    assert tool["inputSchema"]["required"] == ["code"]
    assert "typescript" in tool["inputSchema"]["properties"]["language"]["description"]


def test_converse_is_told_them_in_the_schema() -> None:
    specifications = [tool["toolSpec"] for tool in converse_tool_config()["tools"]]
    [tool] = [tool for tool in specifications if tool["name"] == "execute_code"]
    schema = tool["inputSchema"]["json"]
    assert schema["properties"]["language"]["enum"] == ["python", "javascript", "typescript"]
    assert schema["properties"]["timeout_seconds"]["maximum"] == 900
    assert schema["additionalProperties"] is False


def test_a_program_is_told_them_at_run_time(world: World) -> None:
    answer = world.ok("describe_tools")
    assert {"tools": answer["tools"]} == converse_tool_config()
    assert world.agentcore.calls == world.s3.calls == []


def test_agents_give_what_is_nested_as_json_text() -> None:
    [tool] = [tool for tool in agent_function_schema()["functions"] if "file" in tool["name"]]
    assert tool["parameters"]["content"]["type"] == "string"
    assert "[{path, text, blob}]" in tool["parameters"]["content"]["description"]
    assert tool["parameters"]["paths"]["type"] == "array"
    # Bedrock's quota of parameters for a function.
    assert all(len(tool["parameters"]) <= 5 for tool in agent_function_schema()["functions"])


def test_the_reference_has_every_tool_and_argument() -> None:
    table = reference_table()
    for tool in TOOLS.values():
        [row] = [line for line in table.splitlines() if line.startswith(f"| `{tool.name}` ")]
        for argument in tool.arguments:
            assert f"`{argument.name}`" in row
