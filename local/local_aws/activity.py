"""Write a line for each request, and what the functions log: `make local` shows both.

A line has names only: no query, no body, no header of the request.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agentcore_emulator.http.exchange import Receive, Scope, Send

    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# The scope of a signature: Credential=KEY/DATE/REGION/SERVICE/aws4_request.
SIGNED_SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")
ACTION = re.compile(rb"(?:^|&)Action=(\w+)")


class Activity:
    """Writes lines to a stream. It never fails, even if nobody reads the stream any more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def log(self, function: str, text: str) -> None:
        """Write what an invocation of a function logged."""
        for line in text.splitlines():
            self._write(f"{function}: {line}")

    async def serve(
        self, application: Application, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the application respond to a request, then write the request's line."""
        started = time.monotonic()
        headers = {
            name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        names = [headers.get("x-amz-target", "").rpartition(".")[2]]
        statuses: list[int] = []

        async def receive_and_note() -> Any:
            message = await receive()
            if "urlencoded" in headers.get("content-type", ""):
                found = ACTION.search(message.get("body", b""))
                names.append(found[1].decode() if found else "")
            return message

        async def send_and_note(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        try:
            await application(scope, receive_and_note, send_and_note)
        finally:
            signed = SIGNED_SERVICE.search(headers.get("authorization", ""))
            name = next(filter(None, names), f"{scope['method']} {scope['path']}")
            status = str(statuses[0]) if statuses else "no response"
            milliseconds = round(1000 * (time.monotonic() - started))
            service = f"{signed[1]} " if signed else ""
            self._write(f"{status} {service}{name} ({milliseconds} ms)")

    def _write(self, text: str) -> None:
        moment = datetime.now().astimezone().strftime("%H:%M:%S")
        with suppress(OSError, ValueError):
            self._stream.write(f"{moment} {text}\n")
            self._stream.flush()
