"""Another stack replaces the code interpreter, and deletes it before the function is updated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from code_interpreter_invoke.application import Application
from tests.fakes.agentcore import INTERPRETER
from tests.fakes.world import World

PARAMETER = "/cdk-code-interpreter/Producer/c8/CodeInterpreterId"
REPLACEMENT = "analysis-replacement"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world in which the function is in another stack than its code interpreter."""
    world = World(tmp_path)
    world.settings = world.settings._replace(code_interpreter_parameter=PARAMETER)
    world.parameters.values = {PARAMETER: INTERPRETER}
    world.function = world.new_function()
    return world


def replace_interpreter(world: World) -> None:
    world.agentcore.replace(REPLACEMENT)
    world.parameters.values[PARAMETER] = REPLACEMENT


def test_the_parameter_is_read_only_when_the_code_interpreter_is_gone(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    assert world.parameters.calls == 0
    replace_interpreter(world)
    assert world.ok("execute_code", session="s", code="x = 1")["session_restarted"]
    assert world.parameters.calls == 1
    world.ok("execute_code", session="s", code="x = 1")
    world.ok("execute_code", session="other", code="x = 1")
    assert world.parameters.calls == 1


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("execute_code", {"code": "x = 1"}),
        ("execute_command", {"command": "true"}),
        ("start_session", {"session": "new"}),
        ("list_sessions", {}),
        ("file_operations", {"session": "s", "operation": "list"}),
        (
            "invoke_code_interpreter",
            {"session": "s", "name": "executeCommand", "arguments": {"command": "true"}},
        ),
    ],
)
@pytest.mark.parametrize("is_warm", [True, False])
def test_every_tool_uses_the_replacement(
    world: World, tool: str, arguments: dict[str, Any], is_warm: bool
) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    replace_interpreter(world)
    if not is_warm:
        world.function = world.new_function()
    world.ok(tool, **arguments)


def test_a_session_of_the_replacement_is_found_by_an_instance_that_knows_the_old_one(
    world: World,
) -> None:
    late: Application = world.new_application()
    world.ok("execute_code", session="s", code="x = 1")
    replace_interpreter(world)
    first = world.ok("execute_code", session="s", code="x = 1")
    world.function = late.handle
    second = world.ok("execute_code", session="s", code="x = 1")
    assert second["session_id"] == first["session_id"]
    assert "session_restarted" not in second
    world.function = world.new_function()
    assert world.ok("stop_session", session="s")["stopped"]
    assert world.agentcore.running == []


@pytest.mark.parametrize("values", [{}, {PARAMETER: INTERPRETER}])
def test_a_code_interpreter_without_a_replacement_is_not_found(
    world: World, values: dict[str, str]
) -> None:
    world.agentcore.replace("somebody-elses")
    world.parameters.values = values
    response = world("execute_code", code="x = 1")
    assert response["error"]["type"] == "NotFound"


def test_the_function_of_the_same_stack_reads_no_parameter(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.agentcore.replace("somebody-elses")
    assert world("execute_code", code="x = 1")["error"]["type"] == "NotFound"
    assert world.parameters.calls == 0
