"""The invoke function between the fakes of its services: an event in, a response out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from code_interpreter_invoke.application import Application
from code_interpreter_invoke.clients import Clients
from code_interpreter_invoke.settings import Settings
from tests.fakes.agentcore import INTERPRETER, FakeAgentCore
from tests.fakes.client_error import client_error
from tests.fakes.lambda_context import Context
from tests.fakes.s3 import BUCKET, PREFIX, RECORDS_PREFIX, FakeS3


class FakeParameters:
    """The parameters of Systems Manager, by name."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.calls = 0

    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        self.calls += 1
        if Name not in self.values:
            raise client_error("ParameterNotFound", 400, "GetParameter")
        return {"Parameter": {"Value": self.values[Name]}}


class World:
    """The services, and any number of function instances that use them."""

    def __init__(self, directory: Path) -> None:
        self.s3 = FakeS3()
        self.agentcore = FakeAgentCore(directory)
        self.parameters = FakeParameters()
        self.settings = Settings(INTERPRETER, BUCKET, PREFIX, RECORDS_PREFIX, 900, True)
        self.application = self.new_application()
        self.function: Callable[[Any, Any], dict[str, Any]] = self.application.handle

    def new_application(self) -> Application:
        """Return another instance of the function, which remembers nothing."""
        return Application(
            self.settings, clients_of(self.s3, self.agentcore), lambda: self.parameters
        )

    def new_function(self) -> Callable[[Any, Any], dict[str, Any]]:
        return self.new_application().handle

    def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return self.function({"tool": tool, **arguments}, Context())

    def ok(self, tool: str, **arguments: Any) -> dict[str, Any]:
        response = self(tool, **arguments)
        assert response["status"] == "ok", response
        return response

    def forget_calls(self) -> None:
        self.s3.calls.clear()
        self.agentcore.calls.clear()


def clients_of(s3: FakeS3 | None, agentcore: FakeAgentCore | None = None) -> Clients:
    return Clients(agentcore_single_attempt=agentcore, agentcore=agentcore, s3=s3)
