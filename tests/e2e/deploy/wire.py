"""A proxy between the control function and AgentCore that injects faults into its calls."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal

import psutil
import urllib3

from agentcore_emulator.model import service_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The response to CloudFormation counts as an operation; its path is not forwarded.
RESPONSE = "the response"
RESPONSES_PATH = "/responses/"
LONGEST_RESPONSE = 4096  # bytes; CloudFormation refuses longer ones

ERROR_TYPES = {
    403: "AccessDeniedException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
HOP_BY_HOP = {"connection", "content-length", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Fault:
    """A fault of a call: an HTTP status, a connection reset, or the death of its caller.

    `when` is before the call takes effect, or after it, when only the response is lost.
    """

    kind: int | Literal["reset", "kill"]
    when: Literal["before", "after"]

    def __str__(self) -> str:
        return f"{self.kind} {self.when}"


@dataclass
class Row:
    """The operations of one event's calls, and the indices of the calls that failed."""

    calls: list[str] = field(default_factory=list)
    hits: list[int] = field(default_factory=list)

    def hit_operations(self) -> list[str]:
        return [self.calls[number] for number in self.hits]


# Tells whether the last call of a row fails.
Plan = Callable[[Row], bool]


def at(operation: str, nth: int) -> Plan:
    """Return a plan that fails the nth call of an operation, once."""

    def plan(row: Row) -> bool:
        return not row.hits and row.calls[-1] == operation and row.calls.count(operation) == nth

    return plan


def everywhere(row: Row) -> bool:
    """Fail every call but the repetitions, which follow a call that failed."""
    return len(row.calls) - 2 not in row.hits


class Wire:
    """Forwards calls to `endpoint`, and keeps the responses to CloudFormation.

    The callers are among the descendants of the process `server`.
    """

    def __init__(self, endpoint: str, server: psutil.Process) -> None:
        self._endpoint = endpoint
        self._server = server
        self._pool = urllib3.PoolManager(retries=False)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._row = Row()
        self._fault: Fault | None = None
        self._plan: Plan = everywhere
        self.responses: dict[str, list[dict[str, Any]]] = {}
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[Wire]:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            thread.join()
            self._http.server_close()
            self._pool.clear()

    def begin(self, fault: Fault | None = None, plan: Plan = everywhere) -> Row:
        """Start the row of the next event, whose calls fail with `fault` according to `plan`."""
        self._row, self._fault, self._plan = Row(), fault, plan
        return self._row

    def _take(self, operation: str) -> Fault | None:
        row = self._row
        row.calls.append(operation)
        if self._fault is None or not self._plan(row):
            return None
        row.hits.append(len(row.calls) - 1)
        return self._fault

    def _perform(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes, Mapping[str, str]]:
        if path.startswith(RESPONSES_PATH):
            assert len(body) <= LONGEST_RESPONSE
            self.responses.setdefault(path, []).append(json.loads(body))
            return 200, b"", {}
        response = self._pool.request(method, self._endpoint + path, body=body, headers=headers)
        return response.status, response.data, response.headers

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def carry(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fault = wire._take(operation(self.command, self.path))
                if fault is None or fault.when == "after":
                    response = wire._perform(self.command, self.path, body, dict(self.headers))
                if fault is None:
                    self.respond(*response)
                elif isinstance(fault.kind, int):
                    headers = {"x-amzn-errortype": ERROR_TYPES[fault.kind]}
                    self.respond(fault.kind, b'{"message": "injected"}', headers)
                else:
                    if fault.kind == "kill":
                        process_at(self.client_address[1], wire._server).kill()
                    self.reset()

            do_GET = do_PUT = do_POST = do_DELETE = carry  # noqa: N815 - BaseHTTPRequestHandler looks for these names

            def respond(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def reset(self) -> None:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                self.connection.close()

        return Handler


def operation(method: str, path: str) -> str:
    if path.startswith(RESPONSES_PATH):
        return RESPONSE
    routed = service_model.route(method, path.partition("?")[0])
    assert routed is not None, path
    return routed[0].name


def process_at(port: int, ancestor: psutil.Process) -> psutil.Process:
    """Return the process whose end of a connection has this port."""
    for process in ancestor.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if any(connection.laddr.port == port for connection in process.net_connections("tcp")):
                return process
    raise LookupError(port)
