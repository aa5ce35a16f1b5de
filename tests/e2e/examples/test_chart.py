"""The examples that call the project's own stack, run as users run them."""

from __future__ import annotations

import runpy
import sys
from typing import TYPE_CHECKING

import boto3
import pytest
from aws_cdk import App

from code_interpreter_client import CodeFailed
from examples import chart, plain_boto3
from stacks.code_interpreter_stack import CodeInterpreterStack
from stacks.settings import Settings
from tests.project import PROJECT

from .calling import Deployed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local_aws import LocalAws

ACCOUNT = "200000000023"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def deployed(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    assembly = tmp_path_factory.mktemp("assembly")
    app = App(outdir=str(assembly), builtin_cloud_formation_validation=False)
    CodeInterpreterStack(app, "CodeInterpreter", settings=Settings())
    app.synth()
    return Deployed.deploy(local_aws, ACCOUNT, assembly)


@pytest.fixture(autouse=True)
def as_a_user(deployed: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the examples in an empty folder, with the account's keys in the environment."""
    for name, value in deployed.aws.environment(ACCOUNT).items():
        monkeypatch.setenv(name, value)
    # The default session keeps the first keys that it found.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("example", ["chart.py", "plain_boto3.py"])
def test_the_chart_is_drawn_and_downloaded(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    example: str,
) -> None:
    program = str(PROJECT / "examples" / example)
    monkeypatch.setattr(sys, "argv", [program])
    runpy.run_path(program, run_name="__main__")
    assert capsys.readouterr().out.startswith("best month: May\n")
    assert (tmp_path / "chart.png").read_bytes().startswith(PNG)


def fail_in_boto3(stack: str) -> None:
    with pytest.raises(SystemExit, match="CodeFailed"):
        plain_boto3.main(stack)


def fail_in_client(stack: str) -> None:
    with pytest.raises(CodeFailed, match="ZeroDivisionError"):
        chart.main(stack)


@pytest.mark.parametrize("fail", [fail_in_boto3, fail_in_client])
def test_a_failure_is_told_and_leaves_no_sandbox(
    deployed: Deployed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fail: Callable[[str], None],
) -> None:
    for example in (chart, plain_boto3):
        monkeypatch.setattr(example, "PROGRAM", "1 / 0")
    fail(deployed.stack)
    assert {session["status"] for session in deployed.sessions()} == {"TERMINATED"}
    assert not (tmp_path / "chart.png").exists()
