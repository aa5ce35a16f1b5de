"""`make deploy`, with a program in the place of the CDK CLI."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.project import PROJECT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the Makefile and a `cdk` that prints its arguments and fails."""
    shutil.copy(PROJECT / "Makefile", tmp_path)
    cdk = tmp_path / ".venv/bin/cdk"
    cdk.parent.mkdir(parents=True)
    cdk.write_text('#!/bin/sh\necho "cdk $*"\nexit 3\n')
    cdk.chmod(0o755)
    return tmp_path


def deploy(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "--old-file=install", "deploy", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_deployment_that_fails_without_a_terminal_says_how_to_approve(folder: Path) -> None:
    done = deploy(folder, "CONTEXT=-c code-interpreter:network=public")
    assert done.stdout == "cdk deploy --all -c code-interpreter:network=public\n"
    assert "make deploy APPROVE=yes approves them" in done.stderr
    assert done.returncode != 0


def test_an_approved_deployment_asks_nothing(folder: Path) -> None:
    done = deploy(folder, "APPROVE=yes")
    assert done.stdout == "cdk deploy --all --require-approval never\n"
    assert "APPROVE" not in done.stderr
    assert done.returncode != 0
