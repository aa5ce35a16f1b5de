"""The function's response to programs where the observer's reports do not come back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentcore_emulator.sandbox import SandboxSettings
from local_aws import LocalAws
from tests.programs import PROGRAMS, Program
from tests.programs.running import run

from .sandboxed import Function, function_with_sandboxes


@pytest.fixture(scope="module")
def function(local_aws: LocalAws) -> Iterator[Function]:
    settings = SandboxSettings(hook_output=False)
    with function_with_sandboxes(settings, local_aws, "200000000001") as function:
        yield function


# `make test` runs each sixth program without an observer, and all of them with one.
ROWS = [
    pytest.param(program, id=program.name, marks=pytest.mark.slow if number % 6 else ())
    for number, program in enumerate(PROGRAMS)
]


@pytest.mark.parametrize("program", ROWS)
def test_the_response_without_an_observer(function: Function, program: Program) -> None:
    response = run(program, lambda **event: function({"session": "s", **event}))
    assert response == program.expected(is_observed=False)
