"""Serve an ASGI application on a socket of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import hypercorn.asyncio
from hypercorn.config import Config

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from hypercorn.typing import ASGIFramework

    from agentcore_emulator.http.exchange import Receive, Scope, Send

    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

SHUTDOWN_GRACE_SECONDS = 2
# Longer than a client's pooled connection usually lies idle.
KEEP_ALIVE_SECONDS = 75


async def serve(
    application: Application, listener: socket.socket, stopped: Callable[[], Awaitable[None]]
) -> None:
    """Serve until `stopped` returns, and close the socket."""
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.graceful_timeout = SHUTDOWN_GRACE_SECONDS
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.loglevel = "WARNING"
    framework = cast("ASGIFramework", application)
    await hypercorn.asyncio.serve(framework, config, shutdown_trigger=stopped)
