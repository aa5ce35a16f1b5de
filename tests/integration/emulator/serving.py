"""Serve an emulator from a thread of the test process, with sandboxes in memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config as ClientConfig
from hypercorn.asyncio import serve
from hypercorn.config import Config

from agentcore_emulator.http.app import Emulator, ResolveAccount, create_app
from agentcore_emulator.service.authorization import Authorize
from agentcore_emulator.service.data import StartSandbox
from agentcore_emulator.service.roles import ExecutionRoles
from agentcore_emulator.settings import EmulatorSettings

ACCOUNT = "111122223333"
REGION = "eu-west-1"
PROMPT = {"create_seconds": 0, "ready_after_delete_seconds": 0, "delete_seconds": 0}


class MemorySandbox:
    """Returns the name of the tool, in memory.

    The code `block` keeps a request until the session is closed or `release` is set, `boom`
    raises, and `large` returns more than a message can carry.
    """

    def __init__(self, directory: Path, variables: Mapping[str, str]) -> None:
        self.directory = directory
        self.variables = variables
        self.invoked: list[tuple[str, dict[str, Any]]] = []
        self.closed = 0
        self.was_closed = threading.Event()
        self.cancelled = 0
        self.release = asyncio.Event()

    async def invoke(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.invoked.append((name, arguments))
        code = arguments.get("code", "")
        if code == "block":
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if code == "boom":
            raise RuntimeError("the sandbox broke")
        if code == "large":
            return {"content": [{"type": "image", "data": bytes(25 * 1024 * 1024)}]}
        return {"content": [{"type": "text", "text": name}], "isError": False}

    def process_ids(self) -> list[int]:
        return [4242]

    async def close(self) -> None:
        self.closed += 1
        self.was_closed.set()


@dataclass
class Served:
    """A running emulator and how to talk to it."""

    emulator: Emulator
    port: int
    loop: asyncio.AbstractEventLoop
    sandboxes: list[MemorySandbox] = field(default_factory=list)
    clients: list[Any] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(
        self, service: str, *, account: str = ACCOUNT, region: str = REGION, **config: Any
    ) -> Any:
        client = boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="secret",
            config=ClientConfig(**{"retries": {"total_max_attempts": 1}, **config}),
        )
        self.clients.append(client)
        return client

    def control(self, **options: Any) -> Any:
        return self.client("bedrock-agentcore-control", **options)

    def data(self, **options: Any) -> Any:
        return self.client("bedrock-agentcore", **options)

    def local(self, method: str, name: str, document: Any = None) -> dict[str, Any]:
        """Send a request to the admin API."""
        request = urllib.request.Request(
            f"{self.endpoint}/_agentcore/{name}",
            method=method,
            data=json.dumps(document).encode() if document is not None else None,
        )
        with urllib.request.urlopen(request) as response:
            received: dict[str, Any] = json.load(response)
            return received

    def calls(self, operation: str) -> list[dict[str, Any]]:
        return [
            call for call in self.local("GET", "calls")["calls"] if call["operation"] == operation
        ]

    def inject(self, **fault: Any) -> None:
        self.local("POST", "faults", fault)

    def advance(self, seconds: float) -> None:
        self.local("POST", "clock", {"advance_seconds": seconds})

    def interpreter(self, name: str = "one", **options: Any) -> str:
        """Create an interpreter and return its id."""
        parameters = {"name": name, "networkConfiguration": {"networkMode": "SANDBOX"}, **options}
        return str(self.control().create_code_interpreter(**parameters)["codeInterpreterId"])

    def session(self, **options: Any) -> dict[str, str]:
        """Start a session and return the parameters that name it."""
        parameters = {"codeInterpreterIdentifier": "aws.codeinterpreter.v1", **options}
        started = self.data().start_code_interpreter_session(**parameters)
        return {
            "codeInterpreterIdentifier": started["codeInterpreterIdentifier"],
            "sessionId": started["sessionId"],
        }

    def invoke(self, session: dict[str, str], code: str = "pass", **options: Any) -> list[Any]:
        """Execute code and return all events."""
        response = self.data(**options).invoke_code_interpreter(
            **session, name="executeCode", arguments={"code": code, "language": "python"}
        )
        with contextlib.closing(response["stream"]) as stream:
            return list(stream)

    def release(self) -> None:
        """Let every blocked request continue."""
        for sandbox in self.sandboxes:
            self.loop.call_soon_threadsafe(sandbox.release.set)


@contextlib.contextmanager
def serving(
    *,
    authorize: Authorize | None = None,
    resolve_account: ResolveAccount | None = None,
    start_sandbox: StartSandbox | None = None,
    roles: ExecutionRoles | None = None,
    **settings: Any,
) -> Iterator[Served]:
    """Serve an emulator on a free port."""
    sandboxes: list[MemorySandbox] = []

    async def start_memory_sandbox(directory: Path, variables: Mapping[str, str]) -> MemorySandbox:
        sandboxes.append(MemorySandbox(directory, variables))
        return sandboxes[-1]

    emulator = create_app(
        EmulatorSettings(**{**PROMPT, **settings}),
        authorize,
        resolve_account=resolve_account,
        start_sandbox=start_sandbox or start_memory_sandbox,
        roles=roles,
    )
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    served = Served(emulator, listener.getsockname()[1], loop, sandboxes)
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.loglevel = "CRITICAL"
    config.graceful_timeout = 1
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(
            serve(emulator, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]
        )
    )
    thread.start()
    try:
        yield served
    finally:
        for client in served.clients:
            client.close()
        served.release()
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when a condition holds, within a time that suffices on a busy machine."""
    deadline = time.monotonic() + 60
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition does not come true"
        pause.wait(0.01)
