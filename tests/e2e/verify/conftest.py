"""A local AWS in which `make verify` runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.deploy.deployment import Deployment, synthesise_project
from tests.project import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from local_aws import LocalAws

Document = dict[str, Any]

VERIFIED = "230000000000"


@dataclass
class Verification:
    """`make verify` in an account of a local AWS, with its results in a folder."""

    aws: LocalAws
    account: str
    results: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "verify", "--results", str(self.results), *arguments],
            cwd=PROJECT,
            env={**os.environ, **self.aws.environment(self.account)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run it to its end, and return the exit code and the output."""
        with self.start(*arguments) as process:
            output, _ = process.communicate()
        return process.returncode, output

    def document(self) -> Document:
        """Return the result file of the only run."""
        [path] = self.results.glob("*/result.json")
        document: Document = json.loads(path.read_text())
        return document

    def outcomes(self) -> dict[str, tuple[str, str]]:
        """Return the outcome and the evidence of each experiment."""
        return {
            one["name"]: (one["outcome"], one["evidence"]) for one in self.document()["experiments"]
        }

    def left(self) -> list[str]:
        """Return the sandboxes and code interpreters that are not the deployed stack's."""
        state = self.aws.agentcore.state()
        return [
            session["sessionId"]
            for session in state["sessions"]
            if (session["account"], session["status"]) == (self.account, "READY")
        ] + [
            interpreter["codeInterpreterId"]
            for interpreter in state["codeInterpreters"]
            if interpreter["account"] == self.account
            and interpreter["codeInterpreterId"].startswith("verify_")
        ]


@pytest.fixture(scope="module")
def deployed(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> LocalAws:
    """Deploy the project's stack once for all tests, without the CDK CLI."""
    deployment = Deployment(local_aws, VERIFIED)
    deployment.deploy(synthesise_project(tmp_path_factory.mktemp("assembly"), {}))
    return local_aws


@pytest.fixture
def verification(deployed: LocalAws, tmp_path: Path) -> Verification:
    """Return the command for the account with the stack."""
    return Verification(deployed, VERIFIED, tmp_path)
