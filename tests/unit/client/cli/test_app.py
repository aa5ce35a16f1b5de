"""The commands and their options."""

from __future__ import annotations

import ast
import tomllib

import pytest

from code_interpreter_client.cli.app import main
from tests.project import PROJECT

FILES = ("download", "ls", "pull", "push", "upload")
COMMANDS = (*FILES, "doctor", "exec", "run", "sessions", "sh", "shell", "stop")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_and_takes_the_target(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Usage: code-interpreter {name} " in text
    for option in ("--stack", "--function", "--session", "--region", "--profile"):
        assert f" {option} NAME" in text


def test_no_package_has_a_function_with_the_name_of_its_module() -> None:
    """The import of the module would replace the function."""
    for file in (PROJECT / "client" / "code_interpreter_client").rglob("__init__.py"):
        functions = {
            node.name
            for node in ast.parse(file.read_text()).body
            if isinstance(node, ast.FunctionDef)
        }
        assert not functions & {path.stem for path in file.parent.iterdir()}, file


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    text = capsys.readouterr().out
    assert {f"  {name} " in text for name in COMMANDS} == {True}
    assert "CODE_INTERPRETER_SESSION" in text
    assert "Exit codes:" in text


@pytest.mark.parametrize("arguments", [[], ["kernel"]])
def test_the_list_of_commands_has_whole_sentences(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*arguments, "--help"]) == 0
    commands = capsys.readouterr().out.partition("Commands:\n")[2]
    assert commands
    assert "..." not in commands


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    project = tomllib.loads((PROJECT / "client" / "pyproject.toml").read_text())["project"]
    assert capsys.readouterr().out == f"{project['name']} {project['version']}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "error: No such command 'nope'"),
        (["run"], "error: Missing argument 'FILE'"),
        (["exec", "--nope", "1"], "error: No such option: --nope"),
        (["exec", "--timeout", "901", "1"], "error: Invalid value for '--timeout'"),
        (["exec", "--language", "perl", "1"], "error: Invalid value for '--language'"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(message)
    assert printed.err.count("\n") == 1
