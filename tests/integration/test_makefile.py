"""The Makefile, with a program in the place of the CDK CLI and of Python."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.project import PROJECT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the Makefile and programs that print their arguments and fail."""
    shutil.copy(PROJECT / "Makefile", tmp_path)
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    for name in ("cdk", "python"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*"\nexit 3\n')
        (programs / name).chmod(0o755)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "--old-file=install", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_deployment_that_fails_without_a_terminal_says_how_to_approve(folder: Path) -> None:
    done = make(folder, "deploy", "CONTEXT=-c code-interpreter:network=public")
    assert done.stdout == "cdk deploy --all -c code-interpreter:network=public\n"
    assert "make deploy APPROVE=yes approves them" in done.stderr
    assert done.returncode != 0


def test_an_approved_deployment_asks_nothing(folder: Path) -> None:
    done = make(folder, "deploy", "APPROVE=yes")
    assert done.stdout == "cdk deploy --all --require-approval never\n"
    assert "APPROVE" not in done.stderr
    assert done.returncode != 0


@pytest.mark.parametrize("target", ["synth", "bootstrap", "deploy", "destroy", "destroy-network"])
def test_every_target_that_runs_the_app_gets_the_context(folder: Path, target: str) -> None:
    done = make(folder, target, "CONTEXT=-c code-interpreter:region=eu-central-1")
    assert "-c code-interpreter:region=eu-central-1" in done.stdout


def test_a_destruction_is_followed_by_the_name_of_the_bucket_that_stays(folder: Path) -> None:
    (folder / ".venv/bin/cdk").write_text("#!/bin/sh\n")
    assert make(folder, "destroy").stdout == "python local/kept_bucket.py\n"


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        ([], "local_aws.project --port 4566"),
        (["EMPTY=1"], "local_aws --port 4566"),
        (["QUIET=1", "PORT=0"], "local_aws.project --port 0 --quiet"),
        (["LIBRARIES=full"], "local_aws.project --port 4566 --libraries full"),
    ],
)
def test_the_variables_of_make_local_are_options(
    folder: Path, variables: list[str], arguments: str
) -> None:
    done = make(folder, "local", *variables)
    assert done.stdout == f"python -m {arguments}\n"


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        ([], "--stack CodeInterpreter"),
        (["STACK=Mine", "YES=1"], "--stack Mine --yes"),
        (["ONLY=home,traceback", "LIST=1"], "--stack CodeInterpreter --only home,traceback --list"),
        (["CLEAN=1", "YES=0"], "--stack CodeInterpreter --clean"),
    ],
)
def test_the_variables_of_make_verify_are_options(
    folder: Path, variables: list[str], arguments: str
) -> None:
    done = make(folder, "verify", *variables)
    assert done.stdout == f"python -m verify {arguments}\n"
