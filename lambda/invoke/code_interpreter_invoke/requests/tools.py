"""The tools, as `tools.json` defines them: that file is the one definition of each.

Its `inputSchema` is JSON Schema, which models, the Gateway and Bedrock Agents receive, and against
which `validation` checks arguments. The constructs read the same file at synthesis.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

Schema = Mapping[str, Any]


class Tool(NamedTuple):
    """One tool."""

    name: str
    description: str
    input_schema: Schema
    # It has nothing to work on in a temporary sandbox.
    needs_session: bool = False
    # It may change something, so it takes an idempotency key.
    runs: bool = False
    # It is offered to language models.
    for_models: bool = False
    # Gateway and Bedrock Agents may not call it: it shows other callers' sessions, or something
    # that these platforms learn in another way, or it does what only a program should decide.
    direct_only: bool = False


def tool_from(definition: Mapping[str, Any]) -> Tool:
    """Make a tool of its definition in `tools.json`."""
    members = dict(definition)
    return Tool(input_schema=members.pop("inputSchema"), **members)


DEFINITIONS = json.loads(Path(__file__).with_name("tools.json").read_text(encoding="utf-8"))
TOOLS = {definition["name"]: tool_from(definition) for definition in DEFINITIONS["tools"]}
# The members of a direct event that describe the request itself.
REQUEST_PROPERTIES: Mapping[str, Schema] = DEFINITIONS["request"]


def event_schema(tool: Tool) -> Schema:
    """Return the schema of a direct event: the tool's arguments and the request's own members.

    Only a tool that may change something takes an idempotency key.
    """
    own_members = {
        name: schema
        for name, schema in REQUEST_PROPERTIES.items()
        if tool.runs or name != "idempotency_key"
    }
    properties = {**tool.input_schema["properties"], **own_members}
    return {**tool.input_schema, "properties": properties}


EVENT_SCHEMAS = {name: event_schema(tool) for name, tool in TOOLS.items()}
# These operations need a named session: a temporary sandbox holds no earlier files and is stopped
# after the request.
SESSION_OPERATIONS = tuple(
    name
    for name in TOOLS["invoke_code_interpreter"].input_schema["properties"]["name"]["enum"]
    if name not in ("executeCode", "executeCommand")
)


def converse_tool_config() -> dict[str, Any]:
    """Return the `toolConfig` of Bedrock's Converse API."""
    return {
        "tools": [
            {
                "toolSpec": {
                    "name": tool.name,
                    "description": tool.description,
                    "inputSchema": {"json": tool.input_schema},
                }
            }
            for tool in TOOLS.values()
            if tool.for_models
        ]
    }
