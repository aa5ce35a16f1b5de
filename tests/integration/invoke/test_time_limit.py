"""Requests keep to their time limit, whatever the server does.

The limits are far away, and the servers move the clock to just before them. So a busy machine has
time to send a request, and nobody waits for a limit.
"""

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
from code_interpreter_invoke.clients.connections import PlainConnection
from code_interpreter_invoke.clients.time_limit import LimitedSocket, TimeLimit
from code_interpreter_invoke.deadline import Deadline
from code_interpreter_invoke.errors import NotStartedError, RequestError, TimedOutError

# Seconds of the limits, which the servers go on for, and in which a test must have seen its end.
LIMIT = 30.0
SOON = 15.0

DONE = {"content": [], "structuredContent": {"stdout": "x", "exitCode": 0}, "isError": False}
PARTIAL = {"content": [], "structuredContent": {"stdout": "x"}}


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def result(value: dict[str, Any]) -> bytes:
    """Return a chunk of the event stream."""
    return chunk(event("result", json.dumps(value).encode()))


LONG = b"x" * 60_000
EMPTY_OBJECT = b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 0\r\n\r\n'
LARGE_OBJECT = EMPTY_OBJECT.replace(b": 0", b": 60000")
LONG_HEADER = b"HTTP/1.1 200 OK\r\nX-Long: "
HEADERS = b"Content-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\n" + HEADERS
LONG_RESULT = result({"stdout": LONG.decode()})
END = chunk(b"")
REFUSAL = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nx-amz-retry-after: %d\r\n\r\n"


class Clock:
    """The clock of the limits."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def move(self, seconds: float) -> None:
        self._ahead += seconds


class Server:
    """A server whose connections are all handled by one function, in threads."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.context: ssl.SSLContext | None = None
        self.clock = Clock()
        # The bodies of the requests.
        self.requests: list[bytes] = []
        self.connections = 0
        # Set by a test, and at its end.
        self.goes_on = threading.Event()
        # Whether a connection has ended.
        self.is_left = threading.Event()
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

    def slowly(self, data: bytes) -> Iterator[bytes]:
        """Yield byte after byte until the limit would have passed, or the test goes on."""
        ends_at = time.monotonic() + LIMIT
        for number in range(len(data)):
            yield data[number : number + 1]
            if self.goes_on.wait(0.02) or time.monotonic() > ends_at:
                yield data[number + 1 :]
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
    """Return the function that responds shortly before the limit, and slowly with the rest."""

    def respond(server: Server, connection: socket.socket) -> None:
        server.clock.move(LIMIT - 1)
        connection.sendall(first)
        for part in server.slowly(rest):
            connection.sendall(part)

    return respond


def wait(server: Server) -> None:
    """Do nothing until the limit would have passed."""
    server.goes_on.wait(LIMIT)


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
        monkeypatch.setattr("code_interpreter_invoke.clients.time_limit.time", server.clock)
        clients = connect()
        for client in clients:
            # A socket's own timeout ends no test.
            manager = client._endpoint.http_session._http_session._manager
            manager.connection_pool_kw["timeout"] = LIMIT
        opened.extend([server, *clients])
        return server, clients

    yield serve
    for each in opened:
        each.close()


def bucket(clients: Clients) -> Bucket:
    return Bucket(clients, "bucket", Deadline(LIMIT))


def run_code(
    clients: Clients,
    code: str = "pass",
    *,
    timeout: float | None = LIMIT,
    seconds: float = 900,
    on_timeout: Callable[[], float] | None = None,
) -> list[dict[str, Any]]:
    """Run code in a function that has some seconds left."""
    current_id = CurrentId("a-0123456789", None, lambda: None)
    client = CodeInterpreterClient(clients, current_id, Deadline(seconds), "owner")
    return list(
        client.invoke("s", "executeCode", {"code": code}, timeout=timeout, on_timeout=on_timeout)
    )


@contextmanager
def soon(error: type[RequestError]) -> Iterator[None]:
    began = time.monotonic()
    with pytest.raises(error):
        yield
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("first", [LONG_HEADER, LARGE_OBJECT], ids=["headers", "body"])
def test_a_response_that_trickles_ends_at_the_limit(serve: Serve, first: bytes) -> None:
    server, clients = serve(responding(trickling(first, LONG)))
    with soon(NotStartedError):
        bucket(clients).get("key")
    assert len(server.requests) == 1
    # Nothing goes on while Lambda freezes the function.
    assert server.is_left.wait(SOON)


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (LONG_HEADER, LONG),
        (STREAM, LONG_RESULT),
        (STREAM + result(PARTIAL), LONG_RESULT),
    ],
    ids=["headers", "first event", "second event"],
)
def test_an_operation_whose_response_trickles_ends_at_the_limit(
    serve: Serve, first: bytes, rest: bytes
) -> None:
    server, clients = serve(responding(trickling(first, rest)))
    with soon(TimedOutError):
        run_code(clients)
    assert len(server.requests) == 1
    assert server.is_left.wait(SOON)


def test_a_request_about_a_session_ends_at_the_limit(serve: Serve) -> None:
    server, clients = serve(responding(trickling(LONG_HEADER, LONG)))
    current_id = CurrentId("a-0123456789", None, lambda: None)
    with soon(NotStartedError):
        CodeInterpreterClient(clients, current_id, Deadline(LIMIT), "owner").get_session("s")
    assert len(server.requests) == 1


def test_the_deadline_bounds_an_operation_without_a_timeout(serve: Serve) -> None:
    _, clients = serve(responding(trickling(STREAM, LONG_RESULT)))
    with soon(TimedOutError):
        run_code(clients, timeout=None, seconds=LIMIT)


def test_an_upload_that_the_server_reads_slowly_ends_at_the_limit(serve: Serve) -> None:
    def handle(server: Server, connection: socket.socket) -> None:
        with connection.makefile("rb") as received:
            received.readline()
            assert parse_headers(received)["Expect"] == "100-continue"
        server.clock.move(LIMIT - 1)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        for _ in server.slowly(LONG):
            connection.recv(10_000)

    server, clients = serve(handle)
    with soon(NotStartedError):
        bucket(clients).put("key", bytes(30_000_000))
    assert server.connections == 1


def test_a_large_request_arrives_whole(serve: Serve) -> None:
    response = STREAM + result(DONE) + END
    server, clients = serve(responding(lambda _, connection: connection.sendall(response)))
    code = "".join(map(str, range(1_000_000)))
    assert run_code(clients, code) == [DONE]
    [body] = server.requests
    assert json.loads(body)["arguments"] == {"code": code}


@pytest.mark.parametrize("serve", ["https"], indirect=True)
def test_a_handshake_that_hangs_ends_at_the_limit(serve: Serve) -> None:
    server, clients = serve(lambda server, _: wait(server))
    server.context = None
    with soon(NotStartedError):
        run_code(clients, timeout=1)
    assert server.requests == []


def test_a_name_that_is_looked_up_for_too_long_ends_at_the_limit(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, clients = serve(lambda *_: None)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: wait(server))
    with soon(NotStartedError):
        run_code(clients, timeout=1)
    with soon(NotStartedError):
        Bucket(clients, "bucket", Deadline(1)).get("key")
    assert server.connections == 0


@pytest.mark.parametrize(
    ("pause", "left", "attempts"), [(10_000, 4, 1), (10, LIMIT, 4)], ids=["long", "short"]
)
def test_a_pause_between_attempts_fits_in_the_limit(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, pause: int, left: float, attempts: int
) -> None:
    def respond(server: Server, connection: socket.socket) -> None:
        server.clock.move(LIMIT - left)
        connection.sendall(REFUSAL % pause)

    pauses: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=pauses.append))
    server, clients = serve(responding(respond))
    with soon(NotStartedError):
        bucket(clients).get("key")
    assert len(server.requests) == attempts
    assert len(pauses) == attempts - 1


@pytest.mark.parametrize("first", [LONG_HEADER, STREAM], ids=["headers", "stream"])
def test_the_result_of_a_program_that_is_interrupted_at_its_limit_is_waited_for(
    serve: Serve, first: bytes
) -> None:
    def interrupt() -> float:
        server.goes_on.set()
        return LIMIT

    headers = b"" if first is STREAM else b"x\r\n" + HEADERS
    server, clients = serve(responding(trickling(first, headers + result(DONE) + END)))
    assert run_code(clients, on_timeout=interrupt) == [DONE]
    assert len(server.requests) == 1


@pytest.mark.parametrize("further", [0, 0.1])
@pytest.mark.parametrize(
    ("first", "rest"), [(LONG_HEADER, LONG), (STREAM, LONG_RESULT)], ids=["headers", "stream"]
)
def test_a_program_that_goes_on_after_its_limit_is_interrupted_once(
    serve: Serve, first: bytes, rest: bytes, further: float
) -> None:
    interrupts: list[None] = []

    def interrupt() -> float:
        interrupts.append(None)
        return further

    server, clients = serve(responding(trickling(first, rest)))
    with soon(TimedOutError):
        run_code(clients, on_timeout=interrupt)
    assert len(interrupts) == len(server.requests) == 1


def test_a_complete_result_counts_if_the_stream_does_not_end(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def respond(server: Server, connection: socket.socket) -> None:
        connection.sendall(STREAM + result(DONE))
        wait(server)

    def interrupt() -> float:
        raise AssertionError

    monkeypatch.setattr("code_interpreter_invoke.clients.code_interpreter.STREAM_END_GRACE", 0.1)
    _, clients = serve(responding(respond))
    began = time.monotonic()
    assert run_code(clients, on_timeout=interrupt) == [DONE]
    assert time.monotonic() - began < SOON


def test_a_connection_that_is_used_again_has_the_limit_of_its_request(serve: Serve) -> None:
    server, clients = serve(responding(lambda _, connection: connection.sendall(EMPTY_OBJECT)))
    for _ in range(2):
        assert bucket(clients).get("key") == StoredObject(b"", '"e"', 0)
        server.clock.move(LIMIT)
    assert (len(server.requests), server.connections) == (2, 1)


def test_a_connection_is_not_used_again_after_its_limit(serve: Serve) -> None:
    def respond(server: Server, connection: socket.socket) -> None:
        if len(server.requests) == 1:
            trickling(LONG_HEADER, LONG)(server, connection)
        connection.sendall(EMPTY_OBJECT)

    server, clients = serve(responding(respond))
    with soon(NotStartedError):
        bucket(clients).get("key")
    for _ in range(2):
        assert bucket(clients).get("key") == StoredObject(b"", '"e"', 0)
    assert (len(server.requests), server.connections) == (3, 2)


def test_a_request_on_a_used_connection_has_its_own_limit_however_it_is_sent() -> None:
    """urllib3 1.26 sends chunked requests, as uploads are, without `HTTPConnection.request`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = PlainConnection(*listener.getsockname())
        with TimeLimit(LIMIT):
            connection.connect()
        limit = TimeLimit(LIMIT)
        with limit:
            connection.putrequest("PUT", "/")
        assert connection.sock.limit is limit
        connection.close()


def test_a_limit_leaves_a_socket_its_own_timeout() -> None:
    server, client = socket.socketpair()
    with server, LimitedSocket.taking(client) as limited:
        limited.settimeout(LIMIT)
        limited.limit = TimeLimit(LIMIT / 2)
        limited.send(b"x")
        limited.limit = TimeLimit(0.01)
        with pytest.raises(TimeoutError):
            limited.recv_into(bytearray(1))
        assert limited.gettimeout() == LIMIT
