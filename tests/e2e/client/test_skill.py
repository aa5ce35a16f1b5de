"""Every example in the skill works with the deployed function."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from code_interpreter_client import CodeInterpreter, Result, Session
from code_interpreter_client.skill import skill_text
from tests.e2e.deploy.example_site import serving_example_site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.client.conftest import CommandLine

# Text in the output of each pattern, in the order of the document.
PRINTED = ["profit", "saved", "accuracy", "customer 0", "Lyon", "2", "30", ""]


@pytest.fixture
def skill(interpreter: CodeInterpreter) -> str:
    return skill_text(interpreter.describe_tools())


@pytest.fixture
def connected(shared_session: Session) -> Iterator[Session]:
    """Return a session that reaches the example's site, as if its network were open."""
    with serving_example_site() as program:
        shared_session.run(program)
        yield shared_session


def test_the_patterns_run_in_one_session(skill: str, connected: Session) -> None:
    section = skill.partition("## Patterns")[2].partition("\n## ")[0]
    # The name in the sentence above a program is the one that the tool gets.
    programs = re.findall(
        r"(?:`output_filename` set to `([^`]+)`[^`]*(?:`\w+`[^`]*)?)?```python\n(.*?)```",
        section,
        re.DOTALL,
    )
    assert len(programs) == len(PRINTED)
    before = {file.path for file in connected.ls()}
    for (filename, program), printed in zip(programs, PRINTED, strict=True):
        result = connected.run(program, output_filename=filename or None)
        assert printed in shown(result), program
        assert result.files == ((f"code-interpreter/{filename}",) if filename else ())
    assert connected.read("results.csv") == b"region,sales\nnorth,10\nsouth,20\n"
    saved = {file.path for file in connected.ls()} - before
    assert saved == {"code-interpreter/dashboard.png", "code-interpreter/chart.png"}
    assert len([filename for filename, _ in programs if filename]) == 2


def shown(result: Result) -> str:
    return "\n".join([result.stdout, *map(str, result.results)])


def test_the_examples_of_arguments_work_in_their_order(skill: str, shared_session: Session) -> None:
    section = skill.partition("## Examples of arguments")[2].partition("\n## ")[0]
    responses = []
    for introduction, blocks in re.findall(
        r"^([a-z][^`]*?)((?:```json\n.*?\n```\n\n?)+)", section, re.DOTALL | re.MULTILINE
    ):
        tools = re.findall(r"\b\w+_\w+\b", introduction)
        examples = [json.loads(text) for text in re.findall(r"```json\n(.*?)\n```", blocks, re.S)]
        for number, example in enumerate(examples):
            tool = tools[min(number, len(tools) - 1)]
            response = shared_session.request(tool, **example)
            assert response["status"] == "ok", (tool, example)
            responses.append((tool, response))
    used = [tool for tool, _ in responses]
    assert used == [
        *["execute_code"] * 2,
        "execute_command",
        *["file_operations"] * 3,
        *["ci_push_to_workspace"] * 2,
        "workspace_list",
        "workspace_read",
        "ci_pull_from_workspace",
    ]
    by_tool: dict[str, Any] = dict(responses)
    assert by_tool["workspace_read"]["content"] == '{"key": "value"}'
    assert by_tool["ci_pull_from_workspace"]["files_loaded"] == ["config.json"]


def test_the_command_prints_the_skill(code_interpreter: CommandLine, skill: str) -> None:
    assert code_interpreter("skill").stdout == skill


def test_the_command_writes_the_skill_where_agents_find_it(
    code_interpreter: CommandLine, skill: str, tmp_path: Path
) -> None:
    assert code_interpreter("skill", str(tmp_path / "skills")).exit_code == 0
    assert (tmp_path / "skills" / "code-interpreter" / "SKILL.md").read_text() == skill


def test_the_libraries_that_the_skill_names_can_be_imported(
    skill: str, shared_session: Session
) -> None:
    names = re.search(r"installed: among others (.*?)\.\n", skill, re.DOTALL)
    assert names is not None
    modules = {"scikit-learn": "sklearn", "Pillow": "PIL"}
    listed = re.split(r",\s+|\s+and\s+", names[1])
    assert len(listed) == 9
    for name in listed:
        shared_session.run(f"import {modules.get(name, name.lower())}")
