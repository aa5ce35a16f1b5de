"""The emulator as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "agentcore_emulator"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_says_its_endpoint_answers_and_ends_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [*COMMAND, "--set", "create_seconds=1", "--set", "stop_ended_session=accept"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        endpoint = process.stdout.readline().strip()
        assert endpoint.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{endpoint}/_agentcore/state", timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("create_second=1", "create_second: not one of accept_arn_as_identifier, "),
        ("create_seconds=soon", "create_seconds: 'soon' is not a float"),
        ("enforce_rates=1", "enforce_rates: 1 is not a bool"),
        ("stop_ended_session=maybe", "stop_ended_session: 'maybe' is not one of accept, not_found"),
    ],
)
def test_fails_on_a_setting_that_does_not_exist_or_fit(assignment: str, said: str) -> None:
    ended = run("--set", assignment)
    assert ended.returncode == 2
    assert said in ended.stderr
