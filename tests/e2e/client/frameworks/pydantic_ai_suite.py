"""Pydantic AI's own rules for workspaces, and an agent that works in one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.workspaces import Workspace, WorkspaceRef, WorkspaceUnavailableError
from pydantic_ai.workspaces.conformance import WorkspaceBackendSuite

from code_interpreter_client import CodeInterpreter
from code_interpreter_client.adapters.pydantic_ai import CodeInterpreterBackend

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def session(interpreter: CodeInterpreter) -> Iterator[str]:
    name = "pydantic-ai"
    yield name
    interpreter.session(name).stop()


class TestConformance(WorkspaceBackendSuite):
    @pytest.fixture
    def backend(self, interpreter: CodeInterpreter, session: str) -> CodeInterpreterBackend:
        return CodeInterpreterBackend(interpreter, session)

    @pytest.fixture
    def fresh_backend(self, interpreter: CodeInterpreter) -> Callable[[], CodeInterpreterBackend]:
        return lambda: CodeInterpreterBackend(interpreter)

    @pytest.fixture
    def attach_backend(
        self, interpreter: CodeInterpreter
    ) -> Callable[[WorkspaceRef], CodeInterpreterBackend]:
        return lambda ref: CodeInterpreterBackend(interpreter, ref=ref)

    # The service does not say whether a process outlives the command that started it, and the
    # local AWS ends it: `Session.background` is for what shall go on.
    test_a_backend_attached_by_ref_reaches_a_detached_process = None


async def test_a_command_whose_sandbox_ends_is_unavailable_and_the_next_has_another(
    interpreter: CodeInterpreter,
) -> None:
    backend = CodeInterpreterBackend(interpreter)

    async def run() -> None:
        with pytest.raises(WorkspaceUnavailableError):
            await backend.run(["sh", "-c", "touch begun; sleep 60"])

    running = asyncio.create_task(run())
    workspace = Workspace(backend)
    while not await workspace.exists("begun"):
        await asyncio.sleep(0.1)
    assert backend.ref is not None
    session = interpreter.session(backend.ref.id)
    await asyncio.to_thread(session.stop)
    await running
    assert (await backend.run(["echo", "again"])).stdout == "again\n"
    await asyncio.to_thread(session.stop)


async def test_an_agent_works_in_it(interpreter: CodeInterpreter, session: str) -> None:
    def model(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
        returned = [part for part in messages[-1].parts if part.part_kind == "tool-return"]
        if not returned:
            arguments = {"command": "echo $((6 * 7)) > n.txt; cat n.txt"}
            return ModelResponse(parts=[ToolCallPart("shell", arguments)])
        return ModelResponse(parts=[TextPart(f"it printed {returned[0].content}")])

    workspace = Workspace(CodeInterpreterBackend(interpreter, session))
    agent = Agent(FunctionModel(model), deps_type=Workspace)

    @agent.tool
    async def shell(context: RunContext[Workspace], command: str) -> str:
        return (await context.deps.run(command, shell=True)).stdout

    result = await agent.run("compute", deps=workspace)
    assert result.output == "it printed 42\n"
    assert await workspace.read_text("n.txt") == "42\n"
