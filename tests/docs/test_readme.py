"""The README, the figures and the security policy say what is true of the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any, get_type_hints

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

import app as project
from code_interpreter_invoke.requests.tools import TOOLS
from code_interpreter_invoke.responses import ResponseMembers
from stacks.settings import KEYS
from tests.integration.emulator.sandbox.rude_programs import ANYWHERE, IN_NAMESPACES
from tests.project import PROJECT
from tests.unit.constructs.everything import new_app

README = (PROJECT / "README.md").read_text()
SECURITY = (PROJECT / "SECURITY.md").read_text()
FUNCTION = (PROJECT / "docs" / "function.md").read_text()
SETTINGS = (PROJECT / "docs" / "settings.md").read_text()
FIGURES = (PROJECT / "docs" / "performance.md").read_text()
# Lines of a terminal or a page that a reader sees without scrolling.
FIRST_SCREEN = 60
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def test_the_first_screen_is_a_screen() -> None:
    assert len(README.partition("\n## ")[0].splitlines()) <= FIRST_SCREEN


@pytest.fixture
def stack() -> Stack:
    return Stack(new_app(), "Test")


def python_blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def block_with(text: str) -> str:
    [block] = [block for block in python_blocks() if text in block]
    return block


def test_the_code_of_the_first_screen_synthesises(stack: Stack) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())
    exec(block_with("grant_invoke(agent_role)"), {"self": stack, "agent_role": role})
    template = Template.from_stack(stack)
    template.resource_count_is("Custom::CodeInterpreter", 1)
    template.resource_count_is("AWS::S3::Bucket", 1)


def test_the_app_for_your_own_project_synthesises() -> None:
    names: dict[str, Any] = {}
    exec(block_with("AnalysisStack"), names)
    template = Template.from_stack(names["app"].node.find_child("Analysis"))
    template.resource_count_is("Custom::CodeInterpreter", 1)


def test_the_tools_are_those_of_the_function() -> None:
    table = README.partition("| tools | for |\n")[2].partition("\n\n")[0]
    named = [tool for row in table.splitlines() for tool in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(TOOLS)


def test_every_member_of_a_response_is_described_and_no_other() -> None:
    table = FUNCTION.partition("<!-- members -->")[2].partition("<!-- end of members -->")[0]
    rows = [row.split("|")[1] for row in table.strip().splitlines()[2:]]
    described = {member for row in rows for member in re.findall(r"`(\w+)`", row)}
    assert described == set(get_type_hints(ResponseMembers))


def keys_in(document: str) -> list[str]:
    return [
        key
        for table in re.findall(
            r"^\| key, after.*?(?=^$)", document + "\n", re.MULTILINE | re.DOTALL
        )
        for row in table.splitlines()[2:]
        for key in re.findall(r"`([a-z0-9-]+)`", row.split("|")[1])
    ]


def test_every_setting_is_there_and_no_other() -> None:
    assert sorted(keys_in(SETTINGS)) == KEYS
    assert set(keys_in(README)) < set(KEYS)


def test_the_acknowledgements_are_counted() -> None:
    flags = json.loads((PROJECT / "cdk.json").read_text())["context"]
    app = new_app(flags)
    project.build(app)
    findings = [
        finding
        for construct in app.node.find_all()
        for entry in construct.node.metadata
        if entry.type == "aws:cdk:acknowledged-rules"
        for finding in entry.data
        if "AwsSolutions-" in finding
    ]
    text = re.search(r"carries (\w+) acknowledgements(.+)", SECURITY, re.DOTALL)
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
    assert re.findall(r"\((\d+) cases\)", FIGURES) == [str(len(cases))]
    rude_programs = len(ANYWHERE) + len(IN_NAMESPACES)
    assert re.findall(r"(\d+) rude programs", FIGURES) == [str(rude_programs)]
