"""The skill: how an agent uses the tools, as a document for models and for people.

The tools and their arguments come from the function's own definition. The rest is in `skill.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

# The name of the skill, and of the folder that it is in.
NAME: Final = "code-interpreter"


def skill_text(tools: Sequence[Mapping[str, Any]]) -> str:
    """Return SKILL.md: front matter, and the document.

    :param tools: The tools, as `CodeInterpreter.describe_tools` returns them.
    """
    return document("skill.md").replace("{tools}", tools_text(tools))


def instructions() -> str:
    """Return what the document says in short, for clients that show the tools themselves."""
    return document("instructions.md")


def document(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def tools_text(tools: Sequence[Mapping[str, Any]]) -> str:
    """Return each tool with its arguments."""
    return "\n\n".join(tool_text(tool["toolSpec"]) for tool in tools)


def tool_text(specification: Mapping[str, Any]) -> str:
    rows = list(rows_of(specification["inputSchema"]["json"]))
    table = ["| argument | type | |", "|---|---|---|", *rows] if rows else ["No arguments."]
    heading = [f"### {specification['name']}", "", specification["description"], ""]
    return "\n".join([*heading, *table])


def rows_of(schema: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Return a row for each argument, and for each member of an argument."""
    required = schema.get("required", ())
    for name, argument in schema.get("properties", {}).items():
        kinds = argument["type"] if isinstance(argument["type"], list) else [argument["type"]]
        kind = " or ".join(kinds)
        if "enum" in argument:
            kind += f": {', '.join(argument['enum'])}"
        need = ", required" if name in required else ""
        yield f"| `{prefix}{name}` | {kind}{need} | {argument.get('description', '')} |"
        yield from rows_of(argument, f"{prefix}{name}.")
        yield from rows_of(argument.get("items", {}), f"{prefix}{name}[].")
