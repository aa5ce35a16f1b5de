"""The invoke function's tools as AgentCore Gateway takes them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from aws_cdk import aws_bedrockagentcore as agentcore

from .lambda_function import lambda_directory

_LOADED_AS = f"{__package__}._invoke"


def gateway_tool_schema() -> agentcore.ToolSchema:
    """Describe the tools whose use by a language model makes sense."""
    tools = _code("schemas").gateway_tool_schema()
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
    return str(_code("callers").SESSION_HEADER)


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


def _code(module: str) -> ModuleType:
    """A module of the function's own code, which defines each tool once.

    It needs the standard library only. The code is no package of this library and must be found
    by nobody else under its own name, so it is loaded under one of ours.
    """
    if _LOADED_AS not in sys.modules:
        directory = lambda_directory("invoke") / "code_interpreter_invoke"
        spec = importlib.util.spec_from_file_location(
            _LOADED_AS, directory / "__init__.py", submodule_search_locations=[str(directory)]
        )
        assert spec is not None
        sys.modules[_LOADED_AS] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f"{_LOADED_AS}.{module}")
