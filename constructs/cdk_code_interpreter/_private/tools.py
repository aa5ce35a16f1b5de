"""The invoke function's tools, as AgentCore Gateway and Bedrock Agents describe them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_bedrockagentcore as agentcore

from .lambda_function import lambda_directory
from .late_module import LateModule

if TYPE_CHECKING:
    from aws_cdk import aws_bedrock as bedrock
else:
    bedrock = LateModule("aws_cdk.aws_bedrock")

Schema = Mapping[str, Any]


def model_tools() -> list[dict[str, Any]]:
    """Read the definitions of the tools that are offered to language models."""
    file = lambda_directory("invoke") / "code_interpreter_invoke/requests/tools.json"
    tools = json.loads(file.read_text(encoding="utf-8"))["tools"]
    return [tool for tool in tools if tool.get("for_models")]


def gateway_tool_schema() -> agentcore.ToolSchema:
    """Describe the tools for a Gateway target.

    The Gateway supports only type, properties, required, items and description of JSON Schema, so
    the description lists the allowed values. A type is a single name there, so that of several
    types the first is the one to use.
    """
    return agentcore.ToolSchema.from_inline(
        [
            agentcore.ToolDefinition(
                name=tool["name"],
                description=tool["description"],
                input_schema=_gateway_schema(tool["inputSchema"]),
            )
            for tool in model_tools()
        ]
    )


def agent_functions() -> list[bedrock.CfnAgent.FunctionProperty]:
    """Describe the tools as the functions of an action group.

    Parameters cannot be nested there, so that objects, and arrays of them, are JSON text.
    """
    return [
        bedrock.CfnAgent.FunctionProperty(
            name=tool["name"],
            description=tool["description"],
            parameters={
                name: _agent_parameter(
                    schema, required=name in tool["inputSchema"].get("required", ())
                )
                for name, schema in tool["inputSchema"]["properties"].items()
            },
        )
        for tool in model_tools()
    ]


def _gateway_schema(schema: Schema) -> agentcore.SchemaDefinition:
    properties = {
        name: _gateway_schema(member) for name, member in schema.get("properties", {}).items()
    }
    return agentcore.SchemaDefinition(
        type=getattr(agentcore.SchemaDefinitionType, _type_names(schema)[0].upper()),
        description=_description(schema),
        properties=properties or None,
        items=_gateway_schema(schema["items"]) if "items" in schema else None,
        required=schema.get("required"),
    )


def _agent_parameter(schema: Schema, *, required: bool) -> bedrock.CfnAgent.ParameterDetailProperty:
    description = _description(schema)
    [name, *_] = _type_names(schema)
    is_nested = name == "object" or schema.get("items", {}).get("type", "string") != "string"
    if is_nested:
        description = f"{description} As JSON text: {_outline(schema)}"
    return bedrock.CfnAgent.ParameterDetailProperty(
        type="string" if is_nested else name, description=description, required=required
    )


def _type_names(schema: Schema) -> list[str]:
    names = schema["type"]
    return [names] if isinstance(names, str) else names


def _outline(schema: Schema) -> str:
    """Sketch a nested value, such as [{path, text, blob}]."""
    if "items" in schema:
        return f"[{_outline(schema['items'])}]"
    return "{" + ", ".join(schema.get("properties", ["name: value"])) + "}"


def _description(schema: Schema) -> str | None:
    if "enum" not in schema:
        return schema.get("description")
    return f"{schema['description']} Allowed: {', '.join(schema['enum'])}."
