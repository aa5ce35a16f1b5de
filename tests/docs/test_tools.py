"""docs/tools.md describes each argument of each tool, as the tools' own definition does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from code_interpreter_invoke.requests.tools import REQUEST_PROPERTIES, TOOLS, Tool
from tests.golden_files import check_file
from tests.project import PROJECT

INTRODUCTION = """\
# The tools and their arguments

`make golden` writes this page from the tools' definition,
[tools.json](../lambda/invoke/code_interpreter_invoke/requests/tools.json).
"""


def rows(schema: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    required = schema.get("required", ())
    for name, argument in schema["properties"].items():
        kinds = argument["type"] if isinstance(argument["type"], list) else [argument["type"]]
        allowed = f": {', '.join(f'`{value}`' for value in argument.get('enum', ()))}"
        kind = f"{' or '.join(kinds)}{allowed if 'enum' in argument else ''}"
        marked = f"**`{prefix}{name}`**" if name in required else f"`{prefix}{name}`"
        yield f"| {marked} | {kind} | {argument['description']} |"
        if argument.get("properties"):
            yield from rows(argument, f"{prefix}{name}.")
        items = argument.get("items", {})
        if items.get("properties"):
            yield from rows(items, f"{prefix}{name}[].")


def section(tool: Tool) -> str:
    callers = "Only for direct requests. " if tool.direct_only else ""
    session = "Needs a session. " if tool.needs_session else ""
    text = f"\n## `{tool.name}`\n\n{tool.description} {callers}{session}".rstrip() + "\n"
    if not tool.input_schema["properties"]:
        return text
    return f"{text}\n{table(rows(tool.input_schema))}"


def table(lines: Iterator[str]) -> str:
    return "\n".join(["| argument | type | |", "|---|---|---|", *lines]) + "\n"


def test_golden_page_of_the_tools() -> None:
    request = table(rows({"properties": REQUEST_PROPERTIES}))
    common = f"\n## Every direct request\n\n{request}"
    page = "".join([INTRODUCTION, *map(section, TOOLS.values()), common])
    check_file(PROJECT / "docs" / "tools.md", page)
