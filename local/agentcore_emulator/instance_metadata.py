"""The instance metadata of one session, from which its programs get the credentials of a role.

This is version 2 of EC2's instance metadata service (the EC2 user guide, "Use the Instance Metadata
Service"), at a loopback port of the session's own: each request but that for a token needs a token.
The service has it at 169.254.169.254, which belongs to the whole machine here.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from agentcore_emulator.origin import NOT_LOCAL, is_local

TOKEN_PATH = "/latest/api/token"  # noqa: S105 - a path
METADATA_PATH = "/latest/meta-data/"
CREDENTIALS_PATH = f"{METADATA_PATH}iam/security-credentials/"

# The name of the role in published requests, whatever the role's own name is.
ROLE_NAME = "execution_role"

MAXIMUM_TOKEN_SECONDS = 21_600
SECONDS = re.compile(r"[0-9]{1,5}")
# A program that connects and sends nothing must not keep the connection.
REQUEST_SECONDS = 10


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of a role. Their text shows no secret."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: datetime
    issued_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class InstanceMetadata:
    """Serves the metadata of one session until `close`. It logs nothing."""

    _server: asyncio.Server

    def __init__(self, credentials: Credentials, region: str) -> None:
        self._tokens: dict[str, float] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._content = {
            # botocore asks for the first path, curl users often for the second.
            CREDENTIALS_PATH: ROLE_NAME,
            CREDENTIALS_PATH.rstrip("/"): ROLE_NAME,
            CREDENTIALS_PATH + ROLE_NAME: as_document(credentials),
            f"{METADATA_PATH}placement/availability-zone": f"{region}a",
            f"{METADATA_PATH}placement/region": region,
        }

    @classmethod
    async def start(cls, credentials: Credentials, region: str) -> Self:
        metadata = cls(credentials, region)
        metadata._server = await asyncio.start_server(metadata._connect, "127.0.0.1", 0)
        return metadata

    @property
    def endpoint(self) -> str:
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}"

    async def close(self) -> None:
        """End every connection, and refuse new ones."""
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._respond(head.decode("latin-1")))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass  # the client went away, or speaks no HTTP; a timeout is an OSError
        finally:
            writer.close()

    def _respond(self, head: str) -> bytes:
        request_line, *lines = head.split("\r\n")
        method, _, rest = request_line.partition(" ")
        path = rest.partition(" ")[0]
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        if not is_local(headers):
            return response("403 Forbidden", NOT_LOCAL)
        if method == "PUT" and path == TOKEN_PATH:
            return self._respond_with_token(headers)
        if method != "GET":
            return response("405 Method Not Allowed")
        if not self._is_valid(headers.get("x-aws-ec2-metadata-token", "")):
            return response("401 Unauthorized")
        if path not in self._content:
            return response("404 Not Found")
        return response("200 OK", self._content[path])

    def _respond_with_token(self, headers: dict[str, str]) -> bytes:
        seconds = headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if "x-forwarded-for" in headers:  # a proxy must not pass a token on
            return response("403 Forbidden")
        if not SECONDS.fullmatch(seconds) or not 1 <= int(seconds) <= MAXIMUM_TOKEN_SECONDS:
            return response("400 Bad Request")
        now = time.monotonic()
        token = secrets.token_urlsafe(32)
        self._tokens = {held: end for held, end in self._tokens.items() if end > now}
        self._tokens[token] = now + int(seconds)
        return response("200 OK", token, {"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": seconds})

    def _is_valid(self, token: str) -> bool:
        return self._tokens.get(token, 0.0) > time.monotonic()


def as_document(credentials: Credentials) -> str:
    return json.dumps(
        {
            "Code": "Success",
            "LastUpdated": as_text(credentials.issued_at),
            "Type": "AWS-HMAC",
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "Token": credentials.session_token,
            "Expiration": as_text(credentials.expires_at),
        },
        indent=2,
    )


def as_text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def response(status: str, body: str = "", headers: dict[str, str] | None = None) -> bytes:
    fields = {
        "Content-Type": "text/plain",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **(headers or {}),
    }
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", body]).encode("latin-1")
