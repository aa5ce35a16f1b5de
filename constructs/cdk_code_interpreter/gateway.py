"""The invoke function's tools as AgentCore Gateway takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_bedrockagentcore as agentcore

from .invoke_code import invoke_code


def gateway_tool_schema() -> agentcore.ToolSchema:
    """Describe the tools whose use by a language model makes sense."""
    tools = invoke_code("schemas").gateway_tool_schema()
    return agentcore.ToolSchema.from_inline(
        [
            agentcore.ToolDefinition(
                name=tool["name"],
                description=tool["description"],
                input_schema=_definition(tool["inputSchema"]),
            )
            for tool in tools
        ]
    )


def session_header() -> str:
    """The header that names the session of a call through a Gateway."""
    return str(invoke_code("callers").SESSION_HEADER)


def _definition(schema: Mapping[str, Any]) -> agentcore.SchemaDefinition:
    return agentcore.SchemaDefinition(
        type=getattr(agentcore.SchemaDefinitionType, schema["type"].upper()),
        description=schema.get("description"),
        properties={
            name: _definition(member) for name, member in schema.get("properties", {}).items()
        }
        or None,
        items=_definition(schema["items"]) if "items" in schema else None,
        required=schema.get("required"),
    )
