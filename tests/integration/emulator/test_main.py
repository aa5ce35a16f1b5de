"""The emulator as a process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EventStreamError

from agentcore_emulator.__main__ import main

COMMAND = [sys.executable, "-m", "agentcore_emulator"]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run an emulator whose temporary files are in `tmp_path`."""
    command = [*COMMAND, "--set", "create_seconds=1", "--set", "stop_ended_session=accept"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield process
        process.kill()


def endpoint_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def state(endpoint: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{endpoint}/_agentcore/state", timeout=60) as response:
        document: dict[str, Any] = json.load(response)
        return document


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_prints_its_endpoint_serves_and_ends_cleanly(
    process: subprocess.Popen[str], number: signal.Signals, tmp_path: Path
) -> None:
    endpoint = endpoint_of(process)
    assert endpoint.startswith("http://127.0.0.1:")
    assert state(endpoint)["sessions"] == []
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_not_free_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(sys, "argv", ["program", "--port", str(port)])
        with pytest.raises(SystemExit, match=f"error: port {port} on 127.0.0.1 is not free"):
            main()


def test_its_end_ends_the_sessions_and_the_requests_in_flight(
    process: subprocess.Popen[str], tmp_path: Path
) -> None:
    endpoint = endpoint_of(process)
    client: Any = boto3.client(
        "bedrock-agentcore",
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="111122223333",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    session = {"codeInterpreterIdentifier": "aws.codeinterpreter.v1"}
    session["sessionId"] = client.start_code_interpreter_session(**session)["sessionId"]

    def invoke() -> Any:
        arguments = {"command": "sleep 600"}
        return client.invoke_code_interpreter(**session, name="executeCommand", arguments=arguments)

    with ThreadPoolExecutor() as pool:
        call = pool.submit(invoke)
        pause = threading.Event()
        while not state(endpoint)["sessions"][0]["callsInFlight"]:
            pause.wait(0.01)
        process.terminate()
        with (
            closing(call.result(timeout=60)["stream"]) as stream,
            pytest.raises(EventStreamError, match="resourceNotFoundException"),
        ):
            list(stream)
    _, errors = process.communicate(timeout=60)
    client.close()
    assert (process.returncode, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []
