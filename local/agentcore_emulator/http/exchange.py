"""One HTTP request and its response, over ASGI."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from agentcore_emulator.http.connection_reset import reset_connection

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Credential=<access key>/<date>/<region>/<service>/aws4_request; SigV4a omits the region.
CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/(?:([^/,\s]+)/)?[^/,\s]+/aws4_request")


@dataclass(frozen=True)
class HttpResponse:
    """An HTTP response; with `cut`, the connection is reset where the body ends."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    streamed: bool = False
    cut: bool = False


class Exchange:
    """A request, and the ways to respond to it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.request_id = str(uuid.uuid4())
        self._receive = receive
        self._send = send

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def raw_path(self) -> str:
        """The percent-encoded path, in which a `%2F` in a label is not a separator."""
        return bytes(self.scope["raw_path"]).decode("latin-1").partition("?")[0]

    @property
    def query_string(self) -> str:
        return bytes(self.scope["query_string"]).decode("latin-1")

    @cached_property
    def headers(self) -> dict[str, str]:
        """The request's headers under lower-case names."""
        return {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in self.scope["headers"]
        }

    def credential(self) -> tuple[str | None, str | None]:
        """Return the access key and the region in the signature, or None if they are absent."""
        match = CREDENTIAL.search(self.headers.get("authorization", ""))
        return (match[1], match[2]) if match else (None, None)

    async def body(self, limit: int) -> bytes | None:
        """Read the body to its end, and return it unless it is longer than `limit` bytes."""
        body = bytearray()
        size = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ConnectionAbortedError("the client closed the connection")
            chunk = message.get("body", b"")
            size += len(chunk)
            if size <= limit:
                body += chunk
            more = message.get("more_body", False)
        return bytes(body) if size <= limit else None

    async def respond(self, response: HttpResponse) -> None:
        headers = {"x-amzn-requestid": self.request_id, **response.headers}
        if not response.streamed:
            headers["content-length"] = str(len(response.body))
        await self._send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }
        )
        await self._send(
            {"type": "http.response.body", "body": response.body, "more_body": response.cut}
        )
        if response.cut:
            self.reset()

    def reset(self) -> None:
        """Reset the connection; the request gets no response, or no more of it."""
        host, port = self.scope["client"]
        reset_connection((host, port))

    async def disconnected(self) -> None:
        """Return when the client has closed the connection."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
