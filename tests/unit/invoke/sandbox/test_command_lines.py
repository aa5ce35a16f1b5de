from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from code_interpreter_invoke.errors import InvalidRequestError
from code_interpreter_invoke.sandbox.command_lines import (
    READ_ONLY,
    check_environment,
    with_environment,
)


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_names_that_bash_keeps_read_only_are_known(tmp_path: Path) -> None:
    lines = run("readonly -p", tmp_path).stdout.splitlines()
    assert sorted(line.split()[2].partition("=")[0] for line in lines) == sorted(READ_ONLY)


@pytest.mark.parametrize("name", ["BASHOPTS", "UID", "1A", "A-B", "", "A\n"])
def test_a_name_that_bash_cannot_export_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="execute_command: env") as refused:
        check_environment("execute_command", {"GOOD": "1", name: "1"})
    assert repr(name).strip("'") in refused.value.message


@pytest.mark.parametrize("cwd", ["-", "-P", "data", "my data/a", "./data", "~"])
def test_a_command_runs_in_the_folder_of_that_name(tmp_path: Path, cwd: str) -> None:
    (tmp_path / cwd).mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere" / cwd
    elsewhere.mkdir(parents=True)
    command = f"export CDPATH=elsewhere; OLDPWD=/; {with_environment('pwd -P', cwd, {})}"
    result = run(command, tmp_path)
    assert (result.stdout, result.stderr) == (f"{(tmp_path / cwd).resolve()}\n", "")


def test_a_command_runs_in_an_absolute_folder(tmp_path: Path) -> None:
    assert run(with_environment("pwd", "/", {}), tmp_path).stdout == "/\n"


def test_a_value_is_exported_as_it_is(tmp_path: Path) -> None:
    value = "$(echo no) 'quoted' \\ \n"
    command = with_environment('printf %s "$A"', None, {"A": value})
    assert run(command, tmp_path).stdout == value
