"""Run commands in the background, while the session runs other operations."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from agentcore_emulator.sandbox.operations.command import finish_command, start_command
from agentcore_emulator.sandbox.programs import Captured
from agentcore_emulator.sandbox.results import Result, ToolError, message, text_block
from agentcore_emulator.sandbox.settings import SandboxSettings
from agentcore_emulator.sandbox.supervisor_client import Supervisor


class Tasks:
    """The tasks of one session. They end with the session's supervisor."""

    def __init__(self, supervisor: Supervisor, settings: SandboxSettings) -> None:
        self._supervisor = supervisor
        self._settings = settings
        self._tasks: dict[str, Task] = {}

    async def start(self, command: str) -> Result:
        captured = await start_command(self._supervisor, command, self._settings)
        number = str(uuid4())
        self._tasks[number] = Task(captured, self._settings)
        return {
            **message("Successfully started a command execution task"),
            "structuredContent": {
                "taskId": number,
                "taskStatus": "submitted",
                "stdout": "",
                "stderr": "",
            },
        }

    def get(self, number: str) -> Result:
        return self._find(number).describe()

    async def stop(self, number: str) -> Result:
        return await self._find(number).stop()

    async def close(self) -> None:
        for task in self._tasks.values():
            await task.close()

    def _find(self, number: str) -> Task:
        try:
            return self._tasks[number]
        except KeyError:
            raise ToolError(f"Task not found: {number}") from None


class Task:
    """One command. As in the service, its output is in the result once it has ended."""

    def __init__(self, captured: Captured, settings: SandboxSettings) -> None:
        self._captured = captured
        self._settings = settings
        self._result = asyncio.ensure_future(finish_command(captured, settings))
        self._canceled = False

    @property
    def status(self) -> str:
        if self._canceled:
            return "canceled"
        if not self._result.done():
            return "working"
        return (
            self._settings.failed_task_status if self._result.result()["isError"] else "completed"
        )

    def describe(self) -> Result:
        status = self.status
        if status in ("working", "canceled"):
            return {
                **message(f"Task is {status}"),
                "structuredContent": {"taskStatus": status, "stdout": "", "stderr": ""},
            }
        result = self._result.result()
        return {
            **result,
            "structuredContent": {"taskStatus": status, **result["structuredContent"]},
        }

    async def stop(self) -> Result:
        if self.status != "working":
            return {
                "content": [
                    text_block(
                        "Task cannot be canceled "
                        f"(current status: TaskStatus.{self.status.upper()})"
                    )
                ],
                "isError": True,
            }
        self._canceled = True
        await self.close()
        return message("Successfully canceled a command execution task")

    async def close(self) -> None:
        """End the command, unless it has ended."""
        await self._captured.program.end()
        await asyncio.wait([self._result])
