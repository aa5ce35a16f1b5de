"""The sandbox of Strands Agents: its contract, and an agent that works in one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from strands import Agent
from strands.models import Model
from strands.sandbox import ExecutionResult, FileInfo, StreamChunk
from strands.sandbox.errors import SandboxPathNotFoundError, SandboxTimeoutError

from code_interpreter_client import CodeInterpreter
from code_interpreter_client.adapters.strands import CodeInterpreterSandbox

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def sandbox(interpreter: CodeInterpreter) -> Iterator[CodeInterpreterSandbox]:
    sandbox = CodeInterpreterSandbox(interpreter)
    yield sandbox
    sandbox.session.stop()


async def test_a_command_streams_its_outputs_and_then_its_result(
    sandbox: CodeInterpreterSandbox,
) -> None:
    command = 'printf "$A"; printf err >&2; exit 3'
    parts = [part async for part in sandbox.execute_streaming(command, env={"A": "out"})]
    assert parts == [
        StreamChunk("out", "stdout"),
        StreamChunk("err", "stderr"),
        ExecutionResult(3, "out", "err"),
    ]
    assert (await sandbox.execute("pwd -P", cwd="/usr")).stdout == "/usr\n"


async def test_a_command_that_exceeds_its_time_is_ended(sandbox: CodeInterpreterSandbox) -> None:
    with pytest.raises(SandboxTimeoutError) as error:
        await sandbox.execute("echo begun; sleep 60", timeout=0.5)
    assert error.value.stdout == "begun\n"


async def test_python_keeps_variables_and_returns_figures(sandbox: CodeInterpreterSandbox) -> None:
    await sandbox.execute_code("x = 6", "python3")
    result = await sandbox.execute_code("print(x * 7)\nx", "python")
    assert (result.exit_code, result.stdout) == (0, "42\n6")
    code = "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()"
    [figure] = (await sandbox.execute_code(code, "python")).output_files
    assert (figure.mime_type, figure.content.startswith(PNG)) == ("image/png", True)
    failed = await sandbox.execute_code("1 / 0", "python")
    assert (failed.exit_code, "ZeroDivisionError" in failed.stderr) == (1, True)


async def test_a_program_that_exceeds_its_time_keeps_its_variables(
    sandbox: CodeInterpreterSandbox,
) -> None:
    with pytest.raises(SandboxTimeoutError):
        await sandbox.execute_code("y = 1\nwhile True: pass", "python", timeout=1)
    assert (await sandbox.execute_code("print(y)", "python")).stdout == "1"


async def test_a_cancelled_program_is_interrupted(sandbox: CodeInterpreterSandbox) -> None:
    code = "import time\nz = 'kept'\nwhile True: time.sleep(0.05)"
    task = asyncio.create_task(sandbox.execute_code(code, "python"))
    await asyncio.sleep(2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    result = await asyncio.wait_for(sandbox.execute_code("print(z)", "python"), 20)
    assert result.stdout == "kept"


async def test_other_languages_and_environments_are_commands(
    sandbox: CodeInterpreterSandbox,
) -> None:
    result = await sandbox.execute_code("echo $((1 + 1)); exit 4", "bash")
    assert (result.exit_code, result.stdout) == (4, "2\n")
    code = "import os; print(os.environ['A'], os.getcwd())"
    result = await sandbox.execute_code(code, "python", cwd="/usr", env={"A": "b"})
    assert result.stdout == "b /usr\n"
    with pytest.raises(ValueError, match="is not the name of a command"):
        await sandbox.execute_code("", "sh; id")


async def test_files(sandbox: CodeInterpreterSandbox) -> None:
    data = bytes(range(256)) * 5_000
    await sandbox.write_file("/tmp/strands/folder/some.bin", data)
    assert await sandbox.read_file("/tmp/strands/folder/some.bin") == data
    assert await sandbox.list_files("/tmp/strands") == [FileInfo("folder", True, None)]
    assert await sandbox.list_files("/tmp/strands/folder") == [
        FileInfo("some.bin", False, len(data))
    ]
    await sandbox.write_text("note.txt", "ä")
    assert await sandbox.read_text("note.txt") == "ä"
    await sandbox.remove_file("note.txt")
    for missing in (sandbox.read_file, sandbox.remove_file):
        with pytest.raises(FileNotFoundError):
            await missing("note.txt")
    with pytest.raises(SandboxPathNotFoundError):
        await sandbox.list_files("/no/such/folder")


async def test_a_sandbox_that_has_ended_is_replaced(interpreter: CodeInterpreter) -> None:
    sandbox = CodeInterpreterSandbox(interpreter)
    assert (await sandbox.execute("echo 1")).stdout == "1\n"
    sandbox.session.stop()
    assert (await sandbox.execute("echo 2")).stdout == "2\n"
    sandbox.session.stop()


class ScriptedModel(Model):
    """A model that uses a tool once."""

    def __init__(self, tool: str, arguments: str) -> None:
        self._script = iter(
            [
                {"toolUse": {"toolUseId": "1", "name": tool}},
                {},
            ]
        )
        self._arguments = arguments

    def update_config(self, **_: Any) -> None:
        pass

    def get_config(self) -> dict[str, Any]:
        return {}

    async def structured_output(self, *_: Any, **__: Any) -> AsyncGenerator[Any, None]:
        raise NotImplementedError
        yield

    async def stream(self, *_: Any, **__: Any) -> AsyncGenerator[Any, None]:
        start = next(self._script)
        delta = {"toolUse": {"input": self._arguments}} if start else {"text": "done"}
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockStart": {"start": start}}
        yield {"contentBlockDelta": {"delta": delta}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "tool_use" if start else "end_turn"}}


def test_an_agent_works_in_it(sandbox: CodeInterpreterSandbox) -> None:
    model = ScriptedModel("sandbox_shell", '{"command": "echo $((6 * 7))"}')
    agent = Agent(model=model, sandbox=sandbox, callback_handler=None)
    assert str(agent("compute")).strip() == "done"
    [result] = [
        block["toolResult"]
        for message in agent.messages
        for block in message["content"]
        if "toolResult" in block
    ]
    assert result["status"] == "success"
    assert "42" in str(result["content"])
