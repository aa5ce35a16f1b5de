from __future__ import annotations

import inspect
from typing import Any

import botocore.session
import jsonschema
import pytest

from code_interpreter_invoke.requests import tools
from code_interpreter_invoke.requests.tools import DEFINITIONS, REQUEST_PROPERTIES, TOOLS, Schema
from code_interpreter_invoke.requests.validation import type_names
from code_interpreter_invoke.tools import MODULES, implementation
from tests.fakes.world import World
from tests.service_shapes import check_against_shape, input_shape

MODEL = botocore.session.Session().get_service_model("bedrock-agentcore")
INVOKE = MODEL.operation_model("InvokeCodeInterpreter").input_shape.members
START = MODEL.operation_model("StartCodeInterpreterSession").input_shape.members
TYPES = {"structure": "object", "list": "array", "blob": "string"}

# The keywords that `validate` knows; a definition with another one would not be enforced.
KEYWORDS = {
    "string": {"type", "description", "enum"},
    "integer": {"type", "description", "minimum", "maximum"},
    "boolean": {"type", "description"},
    "array": {"type", "description", "items"},
    "object": {"type", "description", "properties", "required", "additionalProperties"},
}


def properties(tool: str) -> dict[str, Any]:
    found: dict[str, Any] = TOOLS[tool].input_schema["properties"]
    return found


def check_equals_shape(schema: Schema, shape: Any) -> None:
    """Check that a schema is the API model's own shape, blobs as base64."""
    assert schema["type"] == TYPES.get(shape.type_name, shape.type_name)
    if shape.type_name == "structure":
        assert set(schema["properties"]) == set(shape.members)
        union = shape.is_tagged_union and len(shape.members) == 1
        required = set(shape.members) if union else set(shape.required_members)
        assert set(schema.get("required", ())) == required
        for name, member in schema["properties"].items():
            check_equals_shape(member, shape.members[name])
    elif shape.type_name == "list":
        check_equals_shape(schema["items"], shape.member)
    else:
        assert list(schema.get("enum", [])) == list(getattr(shape, "enum", []))


def check_keywords(schema: Schema) -> None:
    """Check that a schema, with all schemas in it, keeps to the keywords that are enforced."""
    names = type_names(schema)
    assert set(schema) <= set().union(*(KEYWORDS[name] for name in names))
    if "object" in names:
        for member in schema.get("properties", {}).values():
            check_keywords(member)
        if schema["additionalProperties"] is not False:
            check_keywords(schema["additionalProperties"])
    if "array" in names:
        check_keywords(schema["items"])


def test_every_operation_of_the_api_is_offered() -> None:
    operations = properties("invoke_code_interpreter")["name"]["enum"]
    assert operations == list(INVOKE["name"].enum)


def test_every_argument_of_the_api_is_offered() -> None:
    check_equals_shape(properties("invoke_code_interpreter")["arguments"], INVOKE["arguments"])


def test_certificates_and_file_systems_are_those_of_the_api() -> None:
    start = properties("start_session")
    check_equals_shape(start["certificates"]["items"], START["certificates"].member)
    check_equals_shape(start["filesystems"]["items"], START["filesystemConfigurations"].member)


def test_limits_are_those_of_the_api() -> None:
    timeout = properties("start_session")["session_timeout_seconds"]
    limits = START["sessionTimeoutSeconds"].metadata
    assert (timeout["minimum"], timeout["maximum"]) == (limits["min"], limits["max"])


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_takes_the_arguments_that_its_schema_has(name: str) -> None:
    signature = inspect.signature(implementation(name)).parameters.values()
    keywords = [one.name for one in signature if one.kind is inspect.Parameter.KEYWORD_ONLY]
    assert keywords == list(properties(name))


def test_every_tool_has_its_implementation() -> None:
    assert set(TOOLS) == set(MODULES)


@pytest.mark.parametrize("name", TOOLS)
def test_schemas_are_json_schema_that_is_enforced_whole(name: str) -> None:
    schema = TOOLS[name].input_schema
    jsonschema.Draft202012Validator.check_schema(schema)
    check_keywords(schema)


def test_the_properties_of_requests_are_text() -> None:
    for schema in REQUEST_PROPERTIES.values():
        assert set(schema) == {"type", "description"}
        assert schema["type"] == "string"


def test_models_are_offered_the_tools_of_the_skill() -> None:
    assert [tool.name for tool in TOOLS.values() if tool.for_models] == [
        "execute_code",
        "execute_command",
        "file_operations",
        "ci_push_to_workspace",
        "ci_pull_from_workspace",
        "workspace_list",
        "workspace_read",
        "workspace_write",
    ]


def test_the_service_takes_the_tools_for_converse() -> None:
    shape = input_shape("bedrock-runtime", "Converse", "toolConfig")
    check_against_shape(tools.converse_tool_config(), shape)


def test_converse_is_told_what_is_allowed_in_the_schema() -> None:
    specifications = [tool["toolSpec"] for tool in tools.converse_tool_config()["tools"]]
    [tool] = [tool for tool in specifications if tool["name"] == "execute_code"]
    schema = tool["inputSchema"]["json"]
    assert schema["properties"]["language"]["enum"] == ["python", "javascript", "typescript"]
    assert schema["properties"]["timeout_seconds"]["maximum"] == 900
    assert schema["additionalProperties"] is False


def test_a_program_is_told_the_tools_at_run_time(world: World) -> None:
    response = world.ok("describe_tools")
    assert {"tools": response["tools"]} == tools.converse_tool_config()
    assert world.agentcore.calls == world.s3.calls == []


def test_no_definition_has_a_member_of_its_own() -> None:
    assert set(DEFINITIONS) == {"tools", "request"}
