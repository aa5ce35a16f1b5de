"""The function's response to programs with libraries that the real service has, too."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcore_emulator.sandbox import SandboxSettings
from local_aws import LocalAws
from tests.programs import LIBRARIES, Program
from tests.programs.running import run
from tests.project import PROJECT

from .sandboxed import Function, function_with_sandboxes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # it installs the libraries

REQUIREMENTS = PROJECT / "requirements" / "libraries.txt"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the libraries into an environment of their own."""
    environment = tmp_path_factory.mktemp("libraries") / "venv"
    python = environment / "bin" / "python"
    uv = PROJECT / ".venv" / "bin" / "uv"
    base = PROJECT / ".venv-sandbox" / "bin" / "python"
    install = [uv, "pip", "sync", "--require-hashes", "--compile-bytecode", "--python", python]
    for command in ([uv, "venv", "--python", base, environment], [*install, REQUIREMENTS]):
        subprocess.run(
            [*map(str, command), "--quiet"],
            env={**os.environ, "UV_CACHE_DIR": str(PROJECT / ".cache" / "uv")},
            check=True,
        )
    return python


@pytest.fixture(scope="module", params=[True, False], ids=["observed", "not observed"])
def is_observed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def function(local_aws: LocalAws, python: Path, is_observed: bool) -> Iterator[Function]:
    settings = SandboxSettings(python=python, hook_output=is_observed)
    account = "200000000002" if is_observed else "200000000003"
    with function_with_sandboxes(settings, local_aws, account) as function:
        yield function


@pytest.mark.parametrize("program", LIBRARIES, ids=lambda program: program.name)
def test_the_response_to_a_program_with_a_library(
    function: Function, program: Program, is_observed: bool
) -> None:
    response = run(program, lambda **event: function({"session": "s", **event}))
    assert response == program.expected(is_observed=is_observed)
