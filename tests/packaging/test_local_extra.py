"""A project after `pip install 'cdk-code-interpreter[local]'`."""

from __future__ import annotations

import itertools
import signal
import subprocess
from typing import TYPE_CHECKING

import boto3
import pytest

from .consumer import Consumer

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Distributions


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, distributions: Distributions) -> Consumer:
    return Consumer.create(
        tmp_path_factory.mktemp("local") / "project",
        [distributions.wheel, distributions.local_wheel],
        pytest=True,
    )


def test_their_own_test_deploys_and_invokes_their_stack(project: Consumer) -> None:
    printed = project.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "their_tests.py")
    assert "1 passed" in printed


def test_one_command_keeps_a_local_aws_running_and_leaves_nothing(
    project: Consumer, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [project.python, "-W", "error", "-m", "local_aws", "--port", "0"],
        cwd=project.directory,
        env={**project.environment(), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        try:
            assert command.stdout is not None
            lines = itertools.takewhile(lambda line: line != "\n", command.stdout)
            exported = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
            assert list(tmp_path.iterdir())
            identity = boto3.client(
                "sts",
                endpoint_url=exported["AWS_ENDPOINT_URL"],
                aws_access_key_id=exported["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=exported["AWS_SECRET_ACCESS_KEY"],
                region_name=exported["AWS_REGION"],
            ).get_caller_identity()
            assert identity["Account"] == exported["AWS_ACCESS_KEY_ID"]
            command.send_signal(signal.SIGINT)
            assert command.wait() == 0
        finally:
            command.kill()
    assert list(tmp_path.iterdir()) == []
