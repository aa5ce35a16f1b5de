"""Write a line for each request of a caller, and what the functions log: `make local` shows both.

A line has names only: no query, no body, no header of the request. Requests that tell a reader
nothing are left out: those of the functions, unless they are denied or fail, and those that ask
CloudFormation or the local AWS how things are.
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
# The environment of the functions; SDKs write it into the header User-Agent.
EXECUTION_ENVIRONMENT = "AWS_Lambda_local"
QUESTION = re.compile(r"cloudformation Describe|GET /_")
# Denied, or failed in the service.
UNEXPECTED = re.compile(r"403|5\d\d|no response")
# Systems Manager and CloudWatch Logs deny with the status of a wrong request.
REFUSED = "400"
# A level, a time and a message, as the managed runtime logs them. Each line has a time of its own.
LOG_TIME = re.compile(r"^(\[\w+\])\t[0-9-]+[T ][0-9:,.]+Z?\t")


class Activity:
    """Writes lines to a stream. It never fails, even if nobody reads the stream any more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def log(self, function: str, text: str) -> None:
        """Write what an invocation of a function logged."""
        for line in text.splitlines():
            self._write(f"{function}: " + LOG_TIME.sub(r"\1 ", line))

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
            request = service + name
            is_of_function = EXECUTION_ENVIRONMENT in headers.get("user-agent", "")
            is_left_out = (is_of_function and status != REFUSED) or QUESTION.match(request)
            if UNEXPECTED.match(status) or not is_left_out:
                self._write(f"{status} {request} ({milliseconds} ms)")

    def _write(self, text: str) -> None:
        moment = datetime.now().astimezone().strftime("%H:%M:%S")
        with suppress(OSError, ValueError):
            self._stream.write(f"{moment} {text}\n")
            self._stream.flush()
