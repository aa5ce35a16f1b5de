"""The function's response to programs with libraries that the real service has, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentcore_emulator.sandbox import SandboxSettings
from local_aws import LocalAws
from local_aws.interpreters import find_sandbox_python
from tests.programs import LIBRARIES, Program
from tests.programs.running import run

from .sandboxed import Function, function_with_sandboxes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # it installs the libraries


@pytest.fixture(scope="module")
def python() -> Path:
    python = find_sandbox_python(None, "full")
    assert python is not None
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
