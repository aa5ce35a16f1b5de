"""The invoke function between the fakes of its services: an event in, a response out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from code_interpreter_invoke.application import InvokeFunction
from code_interpreter_invoke.clients import Clients
from code_interpreter_invoke.settings import Settings
from tests.fakes.agentcore import INTERPRETER, FakeAgentCore
from tests.fakes.lambda_context import Context
from tests.fakes.s3 import BUCKET, PREFIX, FakeS3


class World:
    """The two services and any number of function instances before them."""

    def __init__(self, directory: Path) -> None:
        self.s3 = FakeS3()
        self.agentcore = FakeAgentCore(directory)
        self.settings = Settings(INTERPRETER, BUCKET, PREFIX, 900)
        self.function = self.new_function()

    def new_function(self) -> InvokeFunction:
        """Another instance of the function, which remembers nothing."""
        clients = Clients(
            agentcore_single_attempt=self.agentcore, agentcore=self.agentcore, s3=self.s3
        )
        return InvokeFunction(self.settings, clients)

    def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return self.function({"tool": tool, **arguments}, Context())

    def ok(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = self(tool, **arguments)
        assert answer["status"] == "ok", answer
        return answer

    def forget_calls(self) -> None:
        self.s3.calls.clear()
        self.agentcore.calls.clear()
