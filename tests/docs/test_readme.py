"""The README says what is true of the code it describes."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from aws_cdk import App

import app as project
from code_interpreter_invoke.requests.tools import TOOLS, Tool
from stacks.settings import KEYS
from tests.integration.emulator.sandbox.rude_programs import ANYWHERE, IN_NAMESPACES
from tests.project import PROJECT

README = (PROJECT / "README.md").read_text()
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def tool_row(tool: Tool) -> str:
    required = tool.input_schema.get("required", ())
    arguments = ", ".join(
        f"**`{name}`**" if name in required else f"`{name}`"
        for name in tool.input_schema["properties"]
    )
    return f"| `{tool.name}` | {tool.description} | {arguments} |"


def test_the_tools_are_those_of_the_function() -> None:
    table = README.partition("<!-- tools -->")[2].partition("<!-- end of tools -->")[0]
    assert table.strip().splitlines()[2:] == [tool_row(tool) for tool in TOOLS.values()]


def test_every_setting_is_there_and_no_other() -> None:
    table = README.partition("| key, after")[2].partition("\n\n")[0]
    keys = [
        key
        for row in table.splitlines()[2:]
        for key in re.findall(r"`([a-z-]+)`", row.split("|")[1])
    ]
    assert sorted(keys) == KEYS


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README)) - {"Python"} <= targets


def test_every_linked_file_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if "://" not in link and not (PROJECT / link).exists()] == []


def test_every_feature_of_ours_names_the_tests_that_show_it() -> None:
    section = README.partition("## Feature by feature")[2].partition("\n## ")[0]
    rows = [row.split("|") for row in section.splitlines() if row.startswith("| ")][1:]
    named = {row[1].strip(): re.findall(r"\]\[(test_\w+)\]", row[2]) for row in rows}
    assert [feature for feature, tests in named.items() if not tests] == []
    files = dict(re.findall(r"^\[(test_\w+)\]: (tests/\S+\.py)$", section, re.MULTILINE))
    assert files.keys() == {test for tests in named.values() for test in tests}
    assert [
        test for test, file in files.items() if f"\ndef {test}(" not in (PROJECT / file).read_text()
    ] == []


def test_the_acknowledgements_are_counted() -> None:
    flags = json.loads((PROJECT / "cdk.json").read_text())["context"]
    app = App(context=flags, builtin_cloud_formation_validation=False)
    project.build(app)
    findings = [
        finding
        for construct in app.node.find_all()
        for entry in construct.node.metadata
        if entry.type == "aws:cdk:acknowledged-rules"
        for finding in entry.data
        if "AwsSolutions-" in finding
    ]
    text = re.search(r"carries (\w+) acknowledgements(.+?)\n\n", README, re.DOTALL)
    assert text is not None
    assert NUMBERS.index(text[1]) == len(findings)
    rules = {re.split(r"AwsSolutions-|\[", finding)[1] for finding in findings}
    assert set(re.findall(r"`([A-Z]+\d+)`", text[2])) == rules


def test_the_cases_are_counted() -> None:
    command = ["pytest", "-n0", "--collect-only", "-q", "tests/conformance"]
    # These are about the comparison, not about the service.
    command.append("--ignore=tests/conformance/test_shapes.py")
    collected = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    cases = re.findall("^tests/conformance/", collected.stdout, re.MULTILINE)
    assert re.findall(r"\((\d+) cases\)", README) == [str(len(cases))]
    rude_programs = len(ANYWHERE) + len(IN_NAMESPACES)
    assert re.findall(r"(\d+) rude programs", README) == [str(rude_programs)]
