"""Requests keep to their time limit, whatever the server does."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import parse_headers
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentcore_emulator.http.event_stream import event
from benchmarks.tls import issue_certificates
from code_interpreter_invoke.clients import (
    Bucket,
    Clients,
    CodeInterpreterClient,
    CurrentId,
    StoredObject,
    connect,
)
from code_interpreter_invoke.deadline import Deadline
from code_interpreter_invoke.errors import NotStartedError, RequestError, TimedOutError

# Seconds of the limits, seconds in which a test must have seen them kept, and seconds for which a
# server goes on that nobody gives up.
LIMIT = 0.5
SOON = 10.0
LONG = 30.0

DONE = {"content": [], "structuredContent": {"stdout": "x", "exitCode": 0}, "isError": False}
PARTIAL = {"content": [], "structuredContent": {"stdout": "x"}}

OBJECT = b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: %d\r\n\r\n'
HEADER_THAT_GROWS = b"HTTP/1.1 200 OK\r\nX-Long: "
STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
STREAM_END = b"0\r\n\r\n"
REFUSAL = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nx-amz-retry-after: %d\r\n\r\n"


def result(value: dict[str, Any]) -> bytes:
    """Return a chunk of the stream with an event."""
    message = event("result", json.dumps(value).encode())
    return b"%x\r\n%b\r\n" % (len(message), message)


class Server:
    """A server whose connections are all handled by one function, in threads."""

    def __init__(self, handle: Callable[[Server, socket.socket], None]) -> None:
        # The bodies of the requests.
        self.requests: list[bytes] = []
        self.connections = 0
        self.handle = handle
        # Set by a test, and at its end.
        self.goes_on = threading.Event()
        # Whether the client has closed a connection.
        self.is_left = threading.Event()
        self.context: ssl.SSLContext | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                self.connections += 1
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.handle(self, connection)
        connection.close()
        self.is_left.set()

    def trickle(self, connection: socket.socket, data: bytes) -> None:
        """Send one byte at a time, for at most `LONG` seconds."""
        ends_at = time.monotonic() + LONG
        for index in range(len(data)):
            connection.sendall(data[index : index + 1])
            if self.goes_on.wait(0.02) or time.monotonic() > ends_at:
                return

    def close(self) -> None:
        self.goes_on.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


Handle = Callable[[Server, socket.socket], None]


def responding(respond: Handle) -> Handle:
    """Return the function that receives requests and responds to each."""

    def handle(server: Server, connection: socket.socket) -> None:
        with connection.makefile("rb") as received:
            while received.readline():
                length = int(parse_headers(received).get("Content-Length", 0))
                server.requests.append(received.read(length))
                respond(server, connection)

    return handle


def trickling(first: bytes, rest: bytes) -> Handle:
    """Return the function that responds at once with the first part, and slowly with the rest."""

    def respond(server: Server, connection: socket.socket) -> None:
        connection.sendall(first)
        server.trickle(connection, rest)

    return responding(respond)


Serve = Callable[[Handle], tuple[Server, Clients]]


@pytest.fixture(params=["http", "https"])
def serve(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Serve]:
    """Return a function that starts a server, and returns it with clients of it."""
    opened: list[Any] = []

    def serve(handle: Handle) -> tuple[Server, Clients]:
        server = Server(handle)
        if request.param == "https":
            authority, certificate = issue_certificates(tmp_path)
            (tmp_path / "authority.pem").write_text(authority)
            monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "authority.pem"))
            server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.context.load_cert_chain(certificate)
        for name, value in {
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": f"{request.param}://127.0.0.1:{server.port}",
        }.items():
            monkeypatch.setenv(name, value)
        clients = connect()
        opened.extend([server, *clients])
        return server, clients

    yield serve
    for each in opened:
        each.close()


def bucket(clients: Clients, seconds: float = LIMIT) -> Bucket:
    return Bucket(clients, "bucket", Deadline(seconds))


def run_code(
    clients: Clients,
    timeout: float | None = LIMIT,
    code: str = "pass",
    seconds: float = 900,
    on_timeout: Callable[[], float] | None = None,
) -> list[dict[str, Any]]:
    """Run code in a function that has some seconds left."""
    current_id = CurrentId("a-0123456789", None, lambda: None)
    client = CodeInterpreterClient(clients, current_id, Deadline(seconds), "owner")
    return list(
        client.invoke("s", "executeCode", {"code": code}, timeout=timeout, on_timeout=on_timeout)
    )


def wait_long(client: Any) -> None:
    """Give the sockets of a client a timeout of their own that does not end the test."""
    manager = client._endpoint.http_session._http_session._manager
    manager.connection_pool_kw["timeout"] = LONG


@contextmanager
def soon(error: type[RequestError]) -> Iterator[None]:
    began = time.monotonic()
    with pytest.raises(error):
        yield
    assert time.monotonic() - began < SOON


MANY = b"x" * 60_000
SLOW_RESULT = result({"stdout": MANY.decode()})


@pytest.mark.parametrize("first", [HEADER_THAT_GROWS, OBJECT % len(MANY)], ids=["headers", "body"])
def test_a_response_that_trickles_ends_at_the_limit(serve: Serve, first: bytes) -> None:
    server, clients = serve(trickling(first, MANY))
    with soon(NotStartedError):
        bucket(clients).get("key")
    assert len(server.requests) == 1
    # Nothing goes on while Lambda freezes the function.
    assert server.is_left.wait(SOON)


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (HEADER_THAT_GROWS, MANY),
        (STREAM, SLOW_RESULT),
        (STREAM + result(PARTIAL), SLOW_RESULT),
    ],
    ids=["headers", "first event", "second event"],
)
def test_an_operation_whose_response_trickles_ends_at_the_limit(
    serve: Serve, first: bytes, rest: bytes
) -> None:
    server, clients = serve(trickling(first, rest))
    with soon(TimedOutError):
        run_code(clients)
    assert len(server.requests) == 1
    assert server.is_left.wait(SOON)


def test_the_deadline_bounds_an_operation_without_a_timeout(serve: Serve) -> None:
    _, clients = serve(trickling(STREAM, SLOW_RESULT))
    with soon(TimedOutError):
        run_code(clients, timeout=None, seconds=LIMIT)


def test_an_upload_that_the_server_does_not_read_ends_at_the_limit(serve: Serve) -> None:
    def handle(server: Server, _: socket.socket) -> None:
        server.goes_on.wait(LONG)

    server, clients = serve(handle)
    wait_long(clients.s3)
    with soon(NotStartedError):
        bucket(clients).put("key", bytes(30_000_000))
    assert server.connections == 1


def test_a_large_request_arrives_whole(serve: Serve) -> None:
    response = STREAM + result(DONE) + STREAM_END
    server, clients = serve(responding(lambda _, connection: connection.sendall(response)))
    code = "".join(map(str, range(1_000_000)))
    assert run_code(clients, 60, code=code) == [DONE]
    [body] = server.requests
    assert json.loads(body)["arguments"] == {"code": code}


@pytest.mark.parametrize("serve", ["https"], indirect=True)
def test_a_handshake_that_trickles_ends_at_the_limit(serve: Serve) -> None:
    record = b"\x16\x03\x03\x40\x00" + bytes(16_384)  # the beginning of a large record
    server, clients = serve(lambda server, connection: server.trickle(connection, record))
    server.context = None
    wait_long(clients.agentcore_single_attempt)
    with soon(NotStartedError):
        run_code(clients)
    assert server.connections == 1


def test_a_name_that_is_looked_up_for_too_long_ends_at_the_limit(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, clients = serve(responding(lambda *_: None))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: server.goes_on.wait(LONG))
    with soon(NotStartedError):
        run_code(clients)
    with soon(NotStartedError):
        bucket(clients).get("key")
    assert server.connections == 0


@pytest.mark.parametrize(("pause", "requests"), [(10_000, 1), (10, 4)], ids=["long", "short"])
def test_a_pause_between_attempts_fits_in_the_limit(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, pause: int, requests: int
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=pauses.append))
    server, clients = serve(responding(lambda _, connection: connection.sendall(REFUSAL % pause)))
    with soon(NotStartedError):
        bucket(clients, 4).get("key")
    assert len(server.requests) == requests
    assert len(pauses) == requests - 1


@pytest.mark.parametrize("first", [b"", STREAM], ids=["no headers", "headers"])
def test_the_result_of_a_program_that_is_interrupted_at_its_limit_is_waited_for(
    serve: Serve, first: bytes
) -> None:
    def respond(server: Server, connection: socket.socket) -> None:
        connection.sendall(first)
        server.goes_on.wait(LONG)
        connection.sendall(STREAM.removeprefix(first) + result(DONE) + STREAM_END)

    def interrupt() -> float:
        server.goes_on.set()
        return SOON

    server, clients = serve(responding(respond))
    assert run_code(clients, on_timeout=interrupt) == [DONE]
    assert len(server.requests) == 1


@pytest.mark.parametrize("further", [0, 0.1])
@pytest.mark.parametrize("first", [HEADER_THAT_GROWS, STREAM], ids=["headers", "stream"])
def test_a_program_that_is_not_interrupted_in_time_is_interrupted_once(
    serve: Serve, first: bytes, further: float
) -> None:
    interrupts: list[None] = []

    def interrupt() -> float:
        interrupts.append(None)
        return further

    server, clients = serve(trickling(first, SLOW_RESULT))
    with soon(TimedOutError):
        run_code(clients, on_timeout=interrupt)
    assert len(interrupts) == len(server.requests) == 1


def test_a_complete_result_counts_if_the_stream_does_not_end(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("code_interpreter_invoke.clients.code_interpreter.STREAM_END_GRACE", 0.1)
    _, clients = serve(trickling(STREAM + result(DONE), SLOW_RESULT))
    began = time.monotonic()
    assert run_code(clients, LONG, on_timeout=lambda: LONG) == [DONE]
    assert time.monotonic() - began < SOON


def test_a_connection_is_not_used_again_after_its_limit(serve: Serve) -> None:
    def respond(server: Server, connection: socket.socket) -> None:
        if len(server.requests) == 1:
            server.trickle(connection, HEADER_THAT_GROWS + MANY)
        connection.sendall(OBJECT % 0)

    server, clients = serve(responding(respond))
    with soon(NotStartedError):
        bucket(clients).get("key")
    for _ in range(2):
        assert bucket(clients, 60).get("key") == StoredObject(b"", '"e"', 0)
    assert (len(server.requests), server.connections) == (3, 2)
