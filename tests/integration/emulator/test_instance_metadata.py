"""The instance metadata of a session, as programs ask for it."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from botocore.utils import InstanceMetadataFetcher

from agentcore_emulator.instance_metadata import Credentials, InstanceMetadata

CREDENTIALS = Credentials(
    access_key_id="ASIACANARY",
    secret_access_key="canary-secret",
    session_token="canary-token",
    expires_at=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
    issued_at=datetime(2030, 1, 1, tzinfo=UTC),
)
ROLES = "/latest/meta-data/iam/security-credentials/"
TOKEN = "/latest/api/token"
TTL = "X-aws-ec2-metadata-token-ttl-seconds"


@dataclass(frozen=True)
class Running:
    """Instance metadata that is served by a loop in a thread."""

    metadata: InstanceMetadata
    loop: asyncio.AbstractEventLoop

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        address = urlsplit(self.metadata.endpoint).netloc
        connection = http.client.HTTPConnection(address, timeout=60)
        try:
            connection.request(method, path, headers=dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def get(self, path: str, token: str) -> tuple[int, str]:
        return self.request("GET", path, {"X-aws-ec2-metadata-token": token})

    def token(self, seconds: str = "60") -> str:
        status, token = self.request("PUT", TOKEN, {TTL: seconds})
        assert status == 200
        return token

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.metadata.close(), self.loop).result()


@pytest.fixture
def running() -> Iterator[Running]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    starting = InstanceMetadata.start(CREDENTIALS, "eu-west-1")
    running = Running(asyncio.run_coroutine_threadsafe(starting, loop).result(), loop)
    yield running
    running.close()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_token_opens_the_credentials_of_the_role(running: Running) -> None:
    token = running.token()
    assert running.get(ROLES, token) == (200, "execution_role")
    assert running.get(ROLES.rstrip("/"), token) == (200, "execution_role")
    status, document = running.get(f"{ROLES}execution_role", token)
    assert status == 200
    assert json.loads(document) == {
        "Code": "Success",
        "LastUpdated": "2030-01-01T00:00:00Z",
        "Type": "AWS-HMAC",
        "AccessKeyId": "ASIACANARY",
        "SecretAccessKey": "canary-secret",
        "Token": "canary-token",
        "Expiration": "2030-01-02T03:04:05Z",
    }
    assert running.get("/latest/meta-data/placement/region", token) == (200, "eu-west-1")
    assert running.get("/latest/meta-data/placement/availability-zone", token) == (
        200,
        "eu-west-1a",
    )


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", ROLES, {}, 401),  # version 1
        ("GET", f"{ROLES}execution_role", {}, 401),
        ("GET", f"{ROLES}execution_role", {"X-aws-ec2-metadata-token": "guessed"}, 401),
        ("GET", f"{ROLES}execution_role", {"X-aws-ec2-metadata-token": ""}, 401),
        ("GET", TOKEN, {TTL: "60"}, 401),
        ("PUT", TOKEN, {}, 400),
        ("PUT", TOKEN, {TTL: "0"}, 400),
        ("PUT", TOKEN, {TTL: "-5"}, 400),
        ("PUT", TOKEN, {TTL: "21601"}, 400),
        ("PUT", TOKEN, {TTL: "9" * 5000}, 400),
        ("PUT", TOKEN, {TTL: "soon"}, 400),
        ("PUT", TOKEN, {TTL: "60", "X-Forwarded-For": "10.0.0.1"}, 403),
        ("PUT", ROLES, {TTL: "60"}, 405),
        ("POST", TOKEN, {TTL: "60"}, 405),
        ("OPTIONS", TOKEN, {}, 405),
    ],
)
def test_a_request_without_the_protocol_of_version_2_is_refused(
    running: Running, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    assert running.request(method, path, headers) == (status, "")


@pytest.mark.parametrize(
    "headers", [{"Host": "a-page.example"}, {"Origin": "https://a-page.example"}]
)
def test_a_web_page_gets_no_token(running: Running, headers: dict[str, str]) -> None:
    status, body = running.request("PUT", TOKEN, {TTL: "60", **headers})
    assert (status, "not for web pages" in body) == (403, True)


@pytest.mark.parametrize("path", [f"{ROLES}admin", "/latest/meta-data/", "/", f"{ROLES}../x"])
def test_other_paths_do_not_exist(running: Running, path: str) -> None:
    assert running.get(path, running.token()) == (404, "")


def test_a_token_expires(running: Running) -> None:
    token = running.token("1")
    assert running.get(ROLES, token)[0] == 200
    deadline = time.monotonic() + 60
    while running.get(ROLES, token)[0] != 401:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_botocore_finds_the_credentials(running: Running) -> None:
    fetcher = InstanceMetadataFetcher(timeout=60, base_url=running.metadata.endpoint)
    found = fetcher.retrieve_iam_role_credentials()
    assert (found["access_key"], found["secret_key"], found["token"]) == (
        "ASIACANARY",
        "canary-secret",
        "canary-token",
    )


def test_a_client_that_sends_nothing_does_not_keep_it_open(running: Running) -> None:
    address = urlsplit(running.metadata.endpoint)
    assert address.hostname == "127.0.0.1"
    with socket.create_connection((address.hostname, address.port)) as silent:
        running.token()
        running.close()
        assert silent.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))


def test_no_secret_is_logged_or_shown(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        token = running.token()
        running.get(f"{ROLES}execution_role", token)
        with pytest.raises(http.client.RemoteDisconnected):
            running.request("GET", "/" + "x" * 100_000)
    shown = caplog.text + repr(CREDENTIALS) + str(CREDENTIALS)
    assert [secret for secret in ("canary-secret", "canary-token", token) if secret in shown] == []
