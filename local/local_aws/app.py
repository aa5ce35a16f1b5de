"""One ASGI application in front of MiniStack and the emulator.

Importing it imports MiniStack, which reads its settings from the environment at that moment.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ministack import app as ministack
from ministack.core import hypercorn_compat
from ministack.core import lambda_runtime as ministack_lambda

from agentcore_emulator.http.app import create_app
from agentcore_emulator.http.origin import NOT_LOCAL, is_local
from agentcore_emulator.sandbox import SandboxSettings
from agentcore_emulator.settings import EmulatorSettings
from local_aws import ministack_patches
from local_aws.ministack_patches import authorization, lambda_runtime, presigned_urls

if TYPE_CHECKING:
    from pathlib import Path

    from agentcore_emulator.http.exchange import Receive, Scope, Send

# Every access decision so far, MiniStack's and ours, as JSON.
DECISIONS_PATH = "/_local_aws/decisions"
CLOCK_PATH = "/_agentcore/clock"


class LocalAwsApp:
    """Routes each request to the emulator or to MiniStack.

    `sessions` is where the sandboxes' directories are made.
    """

    def __init__(
        self,
        *,
        lambda_python: Path,
        sandbox_python: Path | None,
        sessions: Path,
        enforce_policies: bool,
    ) -> None:
        hypercorn_compat.install()
        ministack_patches.install(lambda_python=lambda_python, clock=lambda: self._emulator.clock)
        sandbox = SandboxSettings(python=sandbox_python) if sandbox_python else SandboxSettings()
        self._emulator = create_app(
            EmulatorSettings(directory=sessions, sandbox=sandbox),
            authorization.authorize if enforce_policies else None,
            resolve_account=authorization.account_of,
        )

    async def startup(self) -> None:
        await self._emulator.startup()

    async def shutdown(self) -> None:
        """End the sandboxes and the Lambda functions."""
        await self._emulator.shutdown()
        ministack_lambda.reset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await ministack.app(scope, receive, send)
            return
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope["path"]
        if not is_local(headers):
            # MiniStack answers web pages, and checks no signature of the root key.
            await _answer(send, {"message": NOT_LOCAL}, status=403)
        elif self._emulator.handles(path, headers):
            if path == CLOCK_PATH:
                await presigned_urls.next_second()
            await self._emulator(scope, receive, send)
        elif path == DECISIONS_PATH:
            await _answer(send, authorization.recorded())
        else:
            if path == "/_ministack/reset":
                authorization.decisions.clear()
                await self._emulator.reset()
            lambda_runtime.remember_client_context(headers.get("x-amz-client-context"))
            # Loopback stands for TLS: every "TLS only" bucket policy would deny plain HTTP.
            secured = [*scope["headers"], (b"x-forwarded-proto", b"https")]
            await ministack.app({**scope, "headers": secured}, receive, send)


async def _answer(send: Send, content: Any, status: int = 200) -> None:
    body = json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
