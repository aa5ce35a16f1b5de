"""A project after `pip install cdk-code-interpreter-client`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import code_interpreter_client
from tests.project import PROJECT

from .consumer import Consumer, closure, requirements_of
from .test_distributions import contents
from .test_types import PYRIGHT, check

if TYPE_CHECKING:
    from .conftest import Distributions

FOREIGN = Path(__file__).with_name("foreign_client")
# The most that the client and all that it needs may have, without byte code.
MAX_INSTALLED_BYTES = 70_000_000
# The command line, the kernel and the server need these, and no program that imports the client.
NOT_IMPORTED = {"IPython", "ipykernel", "mcp", "PIL", "prompt_toolkit", "pydantic", "rich", "typer"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, distributions: Distributions) -> Consumer:
    directory = tmp_path_factory.mktemp("client") / "project"
    return Consumer.create(directory, [distributions.client_wheel], files=FOREIGN)


def test_pyright_accepts_right_uses_and_finds_every_mistake(project: Consumer) -> None:
    check(project, ["node", str(PYRIGHT), "--warnings"])


def test_every_public_name_is_used() -> None:
    named = re.findall(r"\w+", (FOREIGN / "typed.py").read_text())
    assert [name for name in code_interpreter_client.__all__ if named.count(name) < 2] == []


def test_a_program_imports_boto3_and_little_else(project: Consumer) -> None:
    imported = set(project.run("imports.py").split())
    assert {"boto3", "code_interpreter_client"} <= imported
    assert imported & NOT_IMPORTED == set()


def test_the_command_is_installed(project: Consumer) -> None:
    done = subprocess.run(
        [project.python.with_name("code-interpreter"), "--help"],
        env=project.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "shell" in done.stdout


def test_the_wheel_is_the_package_and_nothing_else(distributions: Distributions) -> None:
    package = PROJECT / "client" / "code_interpreter_client"
    sources = {
        f"code_interpreter_client/{path.relative_to(package)}"
        for path in package.rglob("*")
        if path.suffix in (".py", ".typed", ".md", ".json")
    }
    assert set(contents(distributions.client_wheel)) == sources


def test_the_installation_is_small(distributions: Distributions) -> None:
    wheel = distributions.client_wheel
    needed = closure(requirements_of(wheel), without=set())
    sizes = [
        Path(str(distribution.locate_file(file))).stat().st_size
        for distribution in needed
        for file in distribution.files or []
        if "__pycache__" not in str(file) and Path(str(distribution.locate_file(file))).exists()
    ]
    assert sum(sizes) + wheel.stat().st_size < MAX_INSTALLED_BYTES
