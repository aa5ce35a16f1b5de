"""The deployed function's response to programs that people and models write."""

from __future__ import annotations

import pytest

from tests.programs import PROGRAMS, Program
from tests.programs.running import run

from .deployment import Deployment
from .tool_calls import directly


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_the_response_to_a_program(deployed: Deployment, program: Program) -> None:
    response = run(program, lambda **arguments: directly(deployed, "programs", **arguments))
    assert response == program.expected(is_observed=True)
