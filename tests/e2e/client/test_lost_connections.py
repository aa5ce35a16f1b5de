"""No program runs twice, and every result is obtained, whatever happens to the connections.

`test_kernel` has the same of the cells of a notebook.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from mcp import Client

from code_interpreter_client import CodeInterpreter, function
from code_interpreter_client.adapters.sandbox import Sandbox, shell_command
from code_interpreter_client.mcp_server import SessionServer

if TYPE_CHECKING:
    from code_interpreter_client import Session
    from tests.e2e.client.conftest import CommandLine

    from .cutting_proxy import Cut


SLOW = (pytest.mark.slow, pytest.mark.timeout(1_200))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(function, "MAX_PAUSE", 0.2)


@pytest.mark.parametrize(
    ("cut", "count"),
    [(1, 12), pytest.param(2, 200, marks=SLOW)],
    indirect=["cut"],
)
def test_each_program_runs_once_and_its_result_comes(
    interpreter: CodeInterpreter, session: Session, cut: Cut, count: int
) -> None:
    behind = cut.interpreter(interpreter).session(session.name)
    for number in range(count):
        result = behind.run(f"open('runs.txt', 'a').write('{number} '); {number} * 2")
        assert str(result.results[-1]) == str(number * 2)
    assert cut.proxy.cut > count / 3
    assert session.read("runs.txt").split() == [str(number).encode() for number in range(count)]


@pytest.mark.parametrize(
    ("cut", "count"), [(7, 6), pytest.param(8, 200, marks=SLOW)], indirect=["cut"]
)
def test_each_command_runs_once_and_its_result_comes(
    session: Session,
    cut: Cut,
    code_interpreter: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{cut.proxy.port}")
    for number in range(count):
        program = f"echo -n '{number} ' >> runs.txt; echo $(({number} * 2))"
        outcome = code_interpreter("--session", session.name, "sh", program)
        assert (outcome.exit_code, outcome.stdout) == (0, f"{number * 2}\n")
    assert cut.proxy.cut > count / 3
    assert session.read("runs.txt").split() == [str(number).encode() for number in range(count)]


@pytest.mark.parametrize(
    ("cut", "count"),
    [(3, 8), pytest.param(4, 200, marks=SLOW)],
    indirect=["cut"],
)
def test_each_tool_call_of_a_model_runs_once_and_its_result_comes(
    interpreter: CodeInterpreter, session: Session, cut: Cut, count: int
) -> None:
    behind = cut.interpreter(interpreter)
    # The description is longer than a connection lasts.
    tools = interpreter.describe_tools()
    server = SessionServer(behind.session(session.name), tools).server

    async def call() -> None:
        async with Client(server) as client:
            for number in range(count):
                code = f"open('runs.txt', 'a').write('{number} '); print({number} * 2)"
                result = await client.call_tool("execute_code", {"code": code})
                assert not result.is_error, result
                assert result.content[0].model_dump()["text"] == str(number * 2)

    asyncio.run(call())
    assert cut.proxy.cut > count / 3
    assert session.read("runs.txt").split() == [str(number).encode() for number in range(count)]


@pytest.mark.parametrize(
    ("cut", "count"),
    [(5, 8), pytest.param(6, 200, marks=SLOW)],
    indirect=["cut"],
)
def test_each_command_of_an_adapter_runs_once_and_its_result_comes(
    interpreter: CodeInterpreter, session: Session, cut: Cut, count: int
) -> None:
    cut.proxy.most = 20_000  # the program of the adapter goes with each command
    sandbox = Sandbox(cut.interpreter(interpreter).session(session.name))
    for number in range(count):
        done = sandbox.run(shell_command(f"echo {number} >> runs.txt; printf {number * 2}"))
        assert (done.exit_code, done.stdout) == (0, str(number * 2))
    assert cut.proxy.cut > count / 3
    assert session.read("runs.txt").split() == [str(number).encode() for number in range(count)]
