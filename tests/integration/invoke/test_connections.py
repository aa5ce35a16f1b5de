"""The function's connections: trusted as botocore does, kept, and made early."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, SSLError

from benchmarks.tls import issue_certificates
from code_interpreter_invoke.clients import (
    Clients,
    CodeInterpreterClient,
    CurrentId,
    connect,
    connect_ssm,
    open_connections,
    trust_store,
)
from code_interpreter_invoke.clients.botocore_clients import OPEN_SECONDS
from code_interpreter_invoke.clients.connections import MAX_IDLE_SECONDS
from code_interpreter_invoke.clients.trust_store import ROOTS
from code_interpreter_invoke.deadline import Deadline
from code_interpreter_invoke.errors import NotStartedError, OutcomeUnknownError


class Server(ThreadingHTTPServer):
    """A server with a certificate of an authority of its own, which refuses every request."""

    daemon_threads = True

    def __init__(self, directory: Path) -> None:
        self.requests: list[str] = []
        self.connections = 0
        self.breaks_tls = False
        self.released = threading.Event()
        self.released.set()
        super().__init__(("127.0.0.1", 0), Refusal)
        authority, certificate = issue_certificates(directory)
        self.authority = directory / "authority.pem"
        self.authority.write_text(authority)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self.url = f"https://127.0.0.1:{self.server_port}"

    def finish_request(self, request: Any, client_address: Any) -> None:
        # Of TLS 1.3, the server learns the client's refusal as it reads.
        with (
            suppress(ssl.SSLError),
            self._context.wrap_socket(request, server_side=True) as connection,
        ):
            super().finish_request(connection, client_address)


class Refusal(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(self.path)
        if "held" in self.path:
            self.server.released.wait(30)
        if self.server.breaks_tls:
            os.write(self.connection.fileno(), b"no TLS at all")
            return
        self.send_response(400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = refuse  # noqa: N815 - as http.server calls them

    def log_message(self, *_: Any) -> None:
        """Say nothing of requests."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def new_clients(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Clients]]:
    """Return a function that creates clients of the server, which are closed after the test."""
    for name, value in {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": server.url,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    opened: list[Any] = []

    def new_clients() -> Clients:
        clients = connect()
        opened.extend(clients)
        return clients

    yield new_clients
    for client in opened:
        client.close()


def invoke(clients: Clients, identifier: str = "a-0123456789") -> None:
    """Run code, which the server refuses."""
    with pytest.raises(ClientError):
        clients.agentcore_single_attempt.invoke_code_interpreter(
            codeInterpreterIdentifier=identifier, name="executeCode", sessionId="s"
        )


def run_code(clients: Clients) -> None:
    """Run code as the function does."""
    current_id = CurrentId("a-0123456789", None, connect_ssm)
    code_interpreter = CodeInterpreterClient(clients, current_id, Deadline(60), "owner")
    list(code_interpreter.invoke("s", "executeCode", {"code": "pass"}))


def bundles(monkeypatch: pytest.MonkeyPatch, *, roots: Path, whole: Path) -> None:
    """Set the bundle of AWS's authorities, and the one of all that botocore trusts."""
    monkeypatch.setattr(trust_store, "ROOTS", roots)
    monkeypatch.setattr("botocore.httpsession.where", lambda: str(whole))


def test_a_server_of_an_authority_of_aws_is_trusted(
    server: Server, new_clients: Callable[[], Clients], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles(monkeypatch, roots=server.authority, whole=Path("is/not/read.pem"))
    invoke(new_clients())
    assert len(server.requests) == 1


def test_with_another_authority_the_whole_bundle_is_read_and_the_code_sent_once(
    server: Server, new_clients: Callable[[], Clients], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles(monkeypatch, roots=ROOTS, whole=server.authority)
    clients = new_clients()
    invoke(clients)
    assert len(server.requests) == 1
    with pytest.raises(ClientError):
        clients.s3.list_objects_v2(Bucket="bucket")
    assert len(server.requests) == 2


def test_code_is_not_sent_again_when_tls_breaks_later(
    server: Server, new_clients: Callable[[], Clients], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles(monkeypatch, roots=server.authority, whole=server.authority)
    server.breaks_tls = True
    with pytest.raises(OutcomeUnknownError):
        run_code(new_clients())
    assert len(server.requests) == 1


def reset_after_the_first_message(connection: socket.socket) -> None:
    connection.recv(10_000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def close_after_the_first_message(connection: socket.socket) -> None:
    connection.recv(10_000)
    connection.close()


def speak_no_tls(connection: socket.socket) -> None:
    connection.recv(10_000)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def say_nothing(_: socket.socket) -> None:
    """Leave the client without a response."""


@pytest.mark.parametrize(
    "fail",
    [
        reset_after_the_first_message,
        close_after_the_first_message,
        speak_no_tls,
        say_nothing,
    ],
)
def test_code_is_known_not_to_run_when_tls_cannot_begin(
    new_clients: Callable[[], Clients],
    monkeypatch: pytest.MonkeyPatch,
    fail: Callable[[socket.socket], None],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{listener.getsockname()[1]}")
        clients = new_clients()
        http_session = clients.agentcore_single_attempt._endpoint.http_session._http_session
        http_session._manager.connection_pool_kw["timeout"] = 0.5
        connections: list[socket.socket] = []

        def serve() -> None:
            connections.append(listener.accept()[0])
            fail(connections[0])

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(NotStartedError):
            run_code(clients)
        thread.join()
        connections[0].close()


def test_code_is_known_not_to_run_without_a_trusted_certificate(
    server: Server,
    new_clients: Callable[[], Clients],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for bundle in (ROOTS, broken, tmp_path / "missing.pem"):
        monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
        with pytest.raises(NotStartedError):
            run_code(new_clients())
    assert server.requests == []


def test_a_server_of_no_known_authority_is_refused(
    server: Server, new_clients: Callable[[], Clients], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles(monkeypatch, roots=ROOTS, whole=ROOTS)
    clients = new_clients()
    for _ in range(2):
        with pytest.raises(SSLError):
            clients.agentcore_single_attempt.get_code_interpreter_session(
                codeInterpreterIdentifier="a-0123456789", sessionId="s"
            )
    assert server.requests == []


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_the_users_own_bundle_wins(
    server: Server,
    new_clients: Callable[[], Clients],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    monkeypatch.setenv(variable, str(server.authority))
    invoke(new_clients())
    assert len(server.requests) == 1
    # It is not one bundle more, but the only one.
    bundles(monkeypatch, roots=server.authority, whole=server.authority)
    monkeypatch.setenv(variable, str(ROOTS))
    with pytest.raises(SSLError):
        new_clients().agentcore_single_attempt.get_code_interpreter_session(
            codeInterpreterIdentifier="a-0123456789", sessionId="s"
        )
    assert len(server.requests) == 1


def test_the_bundle_is_read_once_for_all_connections(
    server: Server, new_clients: Callable[[], Clients], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles(monkeypatch, roots=server.authority, whole=ROOTS)
    read: list[Any] = []

    monkeypatch.setattr(
        ssl.SSLContext,
        "load_verify_locations",
        counted(ssl.SSLContext.load_verify_locations, read),
    )
    clients = new_clients()
    invoke(clients)
    with pytest.raises(ClientError):
        clients.s3.list_objects_v2(Bucket="bucket")
    clients.s3.close()
    with pytest.raises(ClientError):
        clients.s3.list_objects_v2(Bucket="bucket")
    assert len(read) == 1


def counted(function: Callable[..., Any], calls: list[Any]) -> Callable[..., Any]:
    def count(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        return function(*args, **kwargs)

    return count


def test_a_connection_serves_later_requests_until_it_may_be_dead(
    server: Server, new_clients: Callable[[], Clients], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(server.authority))
    clients = new_clients()
    invoke(clients)
    invoke(clients)
    assert server.connections == 1
    # Lambda froze the function, and the server has closed the connection meanwhile.
    later = time.time() + MAX_IDLE_SECONDS + 1
    monkeypatch.setattr("time.time", lambda: later)
    invoke(clients)
    invoke(clients)
    assert (server.connections, len(server.requests)) == (2, 4)


def test_a_request_of_another_thread_does_not_keep_connections_that_may_be_dead(
    server: Server, new_clients: Callable[[], Clients], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(server.authority))
    clients = new_clients()
    server.released.clear()
    heartbeat = threading.Thread(target=invoke, args=[clients, "held-0123456789"])
    heartbeat.start()
    while not server.requests:
        time.sleep(0.001)
    invoke(clients)
    assert server.connections == 2
    # Lambda froze the function, and the request fails or ends when it goes on.
    later = time.time() + MAX_IDLE_SECONDS + 1
    monkeypatch.setattr("time.time", lambda: later)
    server.released.set()
    heartbeat.join()
    invoke(clients)
    assert server.connections == 3


def test_the_first_request_finds_its_connections_made(
    server: Server, new_clients: Callable[[], Clients], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(server.authority))
    # The machine of the tests may be busy.
    monkeypatch.setattr("code_interpreter_invoke.clients.botocore_clients.OPEN_SECONDS", 20.0)
    monkeypatch.setattr("code_interpreter_invoke.clients.connections.TICKET_SECONDS", 0.5)
    clients = new_clients()
    open_connections(clients, "bucket")
    invoke(clients)
    with pytest.raises(ClientError):
        clients.s3.list_objects_v2(Bucket="bucket")
    assert (server.connections, len(server.requests)) == (2, 2)


def test_connections_that_cannot_be_made_do_not_stop_the_start(
    new_clients: Callable[[], Clients], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://127.0.0.1:9")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        open_connections(new_clients(), "bucket")
        assert OPEN_SECONDS <= time.monotonic() - began < OPEN_SECONDS + 4
