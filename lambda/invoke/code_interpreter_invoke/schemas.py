"""The tools as each platform wants them described, from their one definition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .arguments import Argument
from .tools import TOOLS, Tool


def model_tools() -> list[Tool]:
    """The tools whose use by a language model makes sense."""
    return [tool for tool in TOOLS.values() if tool.for_models]


def gateway_tool_schema(tools: Iterable[Tool] | None = None) -> list[dict[str, Any]]:
    """The inline tool schema of an AgentCore Gateway Lambda target.

    The Gateway knows no more of JSON Schema than type, properties, required, items and
    description, so that allowed values stand in the description.
    """
    return [
        {
            "name": tool.name,
            "description": tool.description,
            "inputSchema": object_schema(tool.arguments, with_limits=False),
        }
        for tool in tools or model_tools()
    ]


def converse_tool_config(tools: Iterable[Tool] | None = None) -> dict[str, Any]:
    """The `toolConfig` of Bedrock's Converse API."""
    specifications = [
        {
            "name": tool.name,
            "description": tool.description,
            "inputSchema": {"json": object_schema(tool.arguments, with_limits=True)},
        }
        for tool in tools or model_tools()
    ]
    return {"tools": [{"toolSpec": specification} for specification in specifications]}


def agent_function_schema(tools: Iterable[Tool] | None = None) -> dict[str, Any]:
    """The function schema of a Bedrock Agents action group.

    Its parameters are not nested: an array of anything but text is described as JSON text.
    """
    return {
        "functions": [
            {
                "name": tool.name,
                "description": tool.description,
                "parameters": {
                    argument.name: agent_parameter(argument) for argument in tool.arguments
                },
            }
            for tool in tools or model_tools()
        ]
    }


def agent_parameter(argument: Argument) -> dict[str, Any]:
    nested = argument.type == "object" or (
        argument.items is not None and argument.items.type != "string"
    )
    description = described(argument)
    if nested:
        description = f"{description} As JSON text: {outline(argument)}"
    return {
        "type": "string" if nested else argument.type,
        "description": description,
        "required": argument.required,
    }


def outline(argument: Argument) -> str:
    """The shape of a nested argument, such as [{path, text, blob}]."""
    if argument.items is not None:
        return f"[{outline(argument.items)}]"
    if argument.members:
        return "{" + ", ".join(member.name for member in argument.members) + "}"
    return argument.name


def described(argument: Argument) -> str:
    """The description with the allowed values."""
    if not argument.allowed:
        return argument.description
    return f"{argument.description} Allowed: {', '.join(argument.allowed)}."


def object_schema(members: Iterable[Argument], *, with_limits: bool) -> dict[str, Any]:
    members = list(members)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            member.name: value_schema(member, with_limits=with_limits) for member in members
        },
    }
    required = [member.name for member in members if member.required]
    if required:
        schema["required"] = required
    if with_limits:
        schema["additionalProperties"] = False
    return schema


def value_schema(argument: Argument, *, with_limits: bool) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": argument.type}
    if argument.members:
        schema = object_schema(argument.members, with_limits=with_limits)
    if argument.items is not None:
        schema["items"] = value_schema(argument.items, with_limits=with_limits)
    if not with_limits:
        return {**schema, "description": described(argument)}
    schema["description"] = argument.description
    limits = {
        "enum": list(argument.allowed) or None,
        "minimum": argument.minimum,
        "maximum": argument.maximum,
    }
    return schema | {name: limit for name, limit in limits.items() if limit is not None}


def reference_table() -> str:
    """The tools and their arguments as a Markdown table."""
    rows = ["| tool | what it does | arguments |", "|---|---|---|"]
    for tool in TOOLS.values():
        arguments = ", ".join(
            f"**`{argument.name}`**" if argument.required else f"`{argument.name}`"
            for argument in tool.arguments
        )
        rows.append(f"| `{tool.name}` | {tool.description} | {arguments} |")
    return "\n".join(rows) + "\n"
