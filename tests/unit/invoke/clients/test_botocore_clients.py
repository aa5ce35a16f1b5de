from __future__ import annotations

import logging
import socket
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
import pytest
from botocore.exceptions import BotoCoreError

from code_interpreter_invoke.clients import Bucket, Clients, connect
from code_interpreter_invoke.clients.botocore_clients import Emitter
from code_interpreter_invoke.clients.bucket import URL_SECONDS
from code_interpreter_invoke.clients.connections import set_up_connections
from code_interpreter_invoke.clients.time_limit import TimeLimit
from code_interpreter_invoke.clients.trust_store import TrustStore
from code_interpreter_invoke.deadline import Deadline


@pytest.fixture(params=["us-east-1", "eu-west-1", "cn-north-1"])
def region(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    environment = {
        "AWS_REGION": request.param,
        "AWS_DEFAULT_REGION": request.param,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return str(request.param)


def bucket(clients: Clients) -> Bucket:
    return Bucket(clients, "workspace-bucket", Deadline(60))


@pytest.mark.usefixtures("region")
def test_operations_are_sent_once_and_waited_for_longer_than_they_can_take() -> None:
    config = connect().agentcore_single_attempt.meta.config
    assert config.retries["total_max_attempts"] == 1
    # The service ends every operation after 900 seconds.
    assert config.read_timeout > 900


@pytest.mark.usefixtures("region")
def test_other_requests_are_retried() -> None:
    clients = connect()
    for client in (clients.agentcore, clients.s3):
        assert client.meta.config.retries["total_max_attempts"] > 1
        assert client.meta.config.retries["mode"] == "standard"


@pytest.mark.parametrize(("pause", "kept"), [(20, None), (5, 5), (0, 0), (None, None)])
def test_a_pause_that_is_longer_than_the_limit_asks_for_no_attempt_in_any_version_of_botocore(
    pause: float | None, kept: float | None
) -> None:
    """Botocore 1.43 takes False for a pause of no seconds."""
    emitter = Emitter()
    emitter.register("needs-retry.s3", lambda **_: pause)
    with TimeLimit(10):
        [(_, response)] = emitter.emit("needs-retry.s3.GetObject")
    assert response is kept
    [(_, response)] = emitter.emit("needs-retry.s3.GetObject")
    assert response is pause


@pytest.mark.parametrize("method", ["get", "put"])
def test_presigned_urls_are_for_one_object_on_the_regional_host(region: str, method: str) -> None:
    s3 = bucket(connect())
    url = s3.presigned_get("w/s/a b") if method == "get" else s3.presigned_put("w/s/a b", 17)
    parts = urlsplit(url)
    suffix = ".cn" if region.startswith("cn-") else ""
    assert parts.scheme == "https"
    assert parts.netloc == f"workspace-bucket.s3.{region}.amazonaws.com{suffix}"
    assert parts.path == "/w/s/a%20b"
    signed = parse_qs(parts.query)
    assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert signed["X-Amz-Expires"] == [str(URL_SECONDS)]
    assert URL_SECONDS <= 900
    headers = signed["X-Amz-SignedHeaders"][0].split(";")
    assert headers == (["host"] if method == "get" else ["content-length", "host"])


@pytest.mark.usefixtures("region")
def test_the_endpoints_can_be_set_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", "http://127.0.0.1:9999")
    clients: Any = connect()
    assert clients.agentcore_single_attempt.meta.endpoint_url == "http://127.0.0.1:9999"
    url = bucket(clients).presigned_get("k")
    assert url.startswith("http://127.0.0.1:4566/workspace-bucket/k?")


@pytest.mark.usefixtures("region")
def test_another_botocore_does_not_stop_the_function(caplog: pytest.LogCaptureFixture) -> None:
    client = botocore.session.Session().create_client("s3")
    del client._endpoint.http_session._manager
    own_session = client._endpoint.http_session
    with caplog.at_level(logging.WARNING):
        set_up_connections(client, TrustStore.new())
    assert "cannot set up the connections" in caplog.text
    assert client._endpoint.http_session is own_session


@pytest.mark.usefixtures("region")
@pytest.mark.parametrize("proxy", [False, True], ids=["direct", "through a proxy"])
def test_a_connection_that_waits_for_a_program_sends_probes(
    monkeypatch: pytest.MonkeyPatch, *, proxy: bool
) -> None:
    """NAT gateways drop connections that are idle for 350 seconds."""
    idle = getattr(socket, "TCP_KEEPIDLE", None)
    if idle is None:
        pytest.skip("the function runs on Linux; macOS has no TCP_KEEPIDLE")
    seen: list[tuple[int, ...]] = []

    def refuse(self: socket.socket, address: Any) -> None:  # noqa: ARG001 - as socket calls it
        seen.append(
            (
                self.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                self.getsockopt(socket.IPPROTO_TCP, idle),
                self.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
            )
        )
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", "http://127.0.0.2:1")
    if proxy:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.3:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(BotoCoreError):
        connect().agentcore_single_attempt.invoke_code_interpreter(
            codeInterpreterIdentifier="a-0123456789", name="listFiles"
        )
    assert set(seen) == {(1, 60, 60)}
