"""The skill and the instructions describe the tools that the function has, and no others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

import pytest

from code_interpreter_client.skill import NAME, instructions, skill_text
from code_interpreter_invoke import errors
from code_interpreter_invoke.requests.tools import TOOLS, converse_tool_config
from code_interpreter_invoke.responses import ResponseMembers

SPECIFICATIONS = [tool["toolSpec"] for tool in converse_tool_config()["tools"]]
SCHEMAS: dict[str, dict[str, Any]] = {
    specification["name"]: specification["inputSchema"]["json"] for specification in SPECIFICATIONS
}
SKILL = skill_text(converse_tool_config()["tools"])
# Words with an underscore that name something else than a tool, an argument or a member.
OTHER_NAMES = {"code_interpreter"}


def arguments(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, argument in schema.get("properties", {}).items():
        yield name
        yield from arguments(argument)
        yield from arguments(argument.get("items", {}))


NAMES = {*SCHEMAS, *(name for schema in SCHEMAS.values() for name in arguments(schema))}
MEMBERS = set(get_type_hints(ResponseMembers))
ERROR_TYPES = {error.type for error in vars(errors).values() if hasattr(error, "type")}


def test_the_front_matter_has_what_agents_need() -> None:
    lines = SKILL.splitlines()
    assert lines[0] == lines[3] == "---"
    name, description = lines[1:3]
    assert name == f"name: {NAME}"
    assert re.fullmatch("[a-z0-9-]{1,64}", NAME)
    # It is plain YAML: a colon with a space would begin a mapping.
    assert re.fullmatch(r"description: [^:#]{100,1024}", description)


def test_every_tool_is_there_as_the_function_describes_it() -> None:
    sections = re.findall(r"^### (\w+)\n\n(.*)\n", SKILL, re.MULTILINE)
    assert sections == [(tool["name"], tool["description"]) for tool in SPECIFICATIONS]
    for tool, schema in SCHEMAS.items():
        section = SKILL.partition(f"### {tool}\n")[2].partition("\n#")[0]
        rows = re.findall(r"^\| `(?:\w+[.\[\]]+)*(\w+)` \|", section, re.MULTILINE)
        assert rows == list(arguments(schema))


@pytest.mark.parametrize("text", [SKILL, instructions()], ids=["skill", "instructions"])
def test_every_name_exists(text: str) -> None:
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", prose))
    assert named - NAMES - MEMBERS - OTHER_NAMES == set()
    assert len(named) > 5


def test_the_error_types_are_those_of_the_function() -> None:
    assert error_types(SKILL) == ERROR_TYPES
    assert {"CodeFailed", "TimedOut"} < error_types(instructions()) < ERROR_TYPES


def error_types(text: str) -> set[str]:
    return set(re.findall(r"\b(?:[A-Z][a-z]+){2,}(?=[`:])", text))


def test_every_example_of_arguments_fits_a_tool() -> None:
    section = SKILL.partition("## Examples of arguments")[2].partition("\n## ")[0]
    examples = re.findall(r"```json\n(.*?)\n```", section, re.DOTALL)
    assert len(examples) > 8
    for example in examples:
        given = set(json.loads(example))
        assert any(given <= set(schema["properties"]) for schema in SCHEMAS.values()), example


def test_the_tools_for_models_are_all_offered() -> None:
    assert set(SCHEMAS) == {tool.name for tool in TOOLS.values() if tool.for_models}
