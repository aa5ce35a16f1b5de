"""The invoke function with its real clients, over HTTP to the local AWS."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from code_interpreter_invoke.application import Application
from code_interpreter_invoke.clients import connect
from code_interpreter_invoke.settings import Settings
from local_aws import LocalAws
from tests.fakes.lambda_context import Context

if TYPE_CHECKING:
    from typing import Unpack

    from local_aws.agentcore_client import FaultOptions, ReceivedCall


class Wire:
    """The function, with a bucket in an account of its own, in which its sessions are, too."""

    def __init__(self, aws: LocalAws, account: str) -> None:
        self._agentcore = aws.agentcore
        self.account = account
        self.s3 = aws.client("s3", account)
        self.bucket = f"workspace-{account}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.interpreter = "aws.codeinterpreter.v1"  # AWS's own, which is there at once
        self.settings = Settings(
            self.interpreter,
            self.bucket,
            "workspace",
            f"sessions/workspace/{account}.Test.c8/",
            900,
            allow_delete=True,
        )
        self._opened: list[Any] = [self.s3]
        self.function = self.new_function()

    def new_function(self) -> Callable[[Any, Any], dict[str, Any]]:
        """Return another instance of the function, with its own connections."""
        self.clients = connect()
        self._opened += self.clients
        return Application(self.settings, self.clients).handle

    def close(self) -> None:
        self.clear_faults()
        for client in self._opened:
            client.close()

    def __call__(self, tool: str, *, seconds: float = 60, **arguments: Any) -> dict[str, Any]:
        return self.function({"tool": tool, **arguments}, Context(seconds))

    def ok(self, tool: str, **arguments: Any) -> dict[str, Any]:
        response = self(tool, **arguments)
        assert response["status"] == "ok", response
        return response

    def put(self, path: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"workspace/s/{path}", Body=content)

    def get(self, path: str) -> bytes:
        found = self.s3.get_object(Bucket=self.bucket, Key=f"workspace/s/{path}")
        return bytes(found["Body"].read())

    def fault(self, **fault: Unpack[FaultOptions]) -> None:
        """Inject a fault, which hits one call unless `count` says otherwise."""
        self._agentcore.inject_fault(**fault)

    def clear_faults(self) -> None:
        self._agentcore.clear_faults()

    def pass_time(self, seconds: float) -> None:
        self._agentcore.advance_clock(seconds)

    def calls(self, operation: str = "InvokeCodeInterpreter") -> list[ReceivedCall]:
        """Return the calls of `operation` that the emulator received from this account."""
        return [
            call
            for call in self._agentcore.calls()
            if call["account"] == self.account and call["operation"] == operation
        ]

    def running(self) -> list[str]:
        """Return the ids of this account's sessions that are READY."""
        return [
            session["sessionId"]
            for session in self._agentcore.state()["sessions"]
            if session["account"] == self.account and session["status"] == "READY"
        ]
