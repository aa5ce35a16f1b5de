"""The demo as a user runs it, and the same work under harder conditions.

Each of these tests deploys the app with the CDK CLI, most of a minute of two cores. `make test` has
one full run and one Ctrl-C, while the local AWS runs and the CDK CLI starts. The slow tests add the
other moments, a second deployment and a restart, which run the same code.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import boto3
import psutil
import pytest

from code_interpreter_client import CodeInterpreter
from local_aws import LocalAws
from local_aws.cdk import Cdk
from local_aws.demo.__main__ import (
    OUTPUT,
    SESSION,
    STACK,
    Demo,
    check_nothing_is_left,
    main,
    run_step,
)
from local_aws.demo.work import STEPS

if TYPE_CHECKING:
    from pathlib import Path

    from local_aws.local_aws import AccessDecision

DEMO = [sys.executable, "-m", "local_aws.demo"]
MEMORY_LIMIT = 400_000_000  # bytes, for the local AWS before user code runs


def test_demo_runs_from_start_to_end(tmp_path: Path) -> None:
    chart = OUTPUT / "dashboard.png"
    chart.unlink(missing_ok=True)
    done = subprocess.run(
        DEMO, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert chart.read_bytes().startswith(b"\x89PNG")
    for step in STEPS:
        assert step.code.strip().splitlines()[0] in done.stdout
    for expected in (
        "Total profit: $",
        "accuracy",
        "Customer_19",
        "ZeroDivisionError",
        "deployed   the stack CodeInterpreter with 14 resources",
        "code interpreters: 0",
        "sandbox processes: 0",
    ):
        assert expected in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "exit_code", "message"),
    [("--help", 0, "Deploy the app into a local AWS"), ("--hlep", 2, "unrecognized arguments")],
)
def test_an_option_does_not_run_the_demo(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: str,
    exit_code: int,
    message: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["demo", option])
    monkeypatch.setattr(Demo, "run", pytest.fail)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == exit_code
    assert message in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("== Start a local AWS", marks=pytest.mark.slow),
        "== cdk bootstrap",
        pytest.param("== cdk deploy", marks=pytest.mark.slow),
        pytest.param("== 2.", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_leaves_no_process_and_no_file(tmp_path: Path, moment: str) -> None:
    with subprocess.Popen(
        DEMO,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        for line in demo.stdout:
            if line.startswith(moment):
                break
        started = psutil.Process(demo.pid).children(recursive=True)
        os.killpg(demo.pid, signal.SIGINT)
        os.killpg(demo.pid, signal.SIGINT)
        demo.stdout.read()
        assert demo.stderr.read().strip() == "error: interrupted; nothing was left running"
        assert demo.wait() == 130
    # A killed process disappears when its new parent has collected it.
    _, alive = psutil.wait_procs(started, timeout=20)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    # A server that was just starting notices that its parent is gone, and ends by itself.
    deadline = time.monotonic() + 20
    while list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_second_deploy_changes_nothing_and_a_restarted_local_aws_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "restarted"):
        home = tmp_path / name
        home.mkdir()
        with LocalAws() as aws:
            cdk = Cdk(aws, home)
            cdk.bootstrap()
            cdk.deploy()
            assert memory_of(aws) < MEMORY_LIMIT
            assert "(no changes)" in cdk.deploy()
            for variable, value in aws.environment().items():
                monkeypatch.setenv(variable, value)
            interpreter = CodeInterpreter.from_stack(STACK, boto3_session=boto3.Session())
            for step in STEPS:
                run_step(step, interpreter.session(SESSION), home)
            assert denied_to(aws, "InvokeFunction") == []
            cdk.destroy()
            check_nothing_is_left(aws)


def environment(temporary: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(temporary)}


def memory_of(aws: LocalAws) -> int:
    server = psutil.Process(aws.process_id)
    return sum(p.memory_info().rss for p in [server, *server.children(recursive=True)])


def denied_to(aws: LocalAws, role: str) -> list[AccessDecision]:
    """Return the requests that IAM denied to roles with `role` in their name."""
    decisions = [entry for entry in aws.access_decisions() if role in entry["principal"]]
    assert decisions
    return [entry for entry in decisions if entry["decision"] != "Allow"]
