"""The conformance suite, and a call of each tool."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from local_aws.cdk import PROJECT
from local_aws.interrupts import defer_interrupts
from verify.experiment import NotTriedError, differs, holds_if
from verify.tool_calls import TOOL_CALLS

if TYPE_CHECKING:
    from pathlib import Path

    from verify.context import Context
    from verify.experiment import Finding

# Pytest removes what its fixtures have made when it is interrupted.
GRACE_SECONDS = 60


def conformance(context: Context) -> Finding:
    """Run `tests/conformance` against the service, in a process of its own."""
    report = context.folder / "conformance.xml"
    command = [sys.executable, "-m", "pytest", "-q", "--numprocesses=2", "--no-header"]
    command += ["--override-ini=addopts=--import-mode=importlib", f"--junitxml={report}"]
    command += ["tests/conformance"]
    environment = {
        **os.environ,
        "AGENTCORE_ENDPOINT_URL": "aws",
        "AWS_DEFAULT_REGION": context.region,
        "CONFORMANCE_NAME": f"{context.name_prefix}conformance",
    }
    with ExitStack() as cleanup:
        with defer_interrupts():
            suite = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            cleanup.callback(end, suite)
        output, _ = suite.communicate()
    if not report.exists():
        raise NotTriedError(f"pytest did not run: {output[-500:]}")
    passed, failed = results(report)
    if failed:
        return differs(f"{passed} passed, {len(failed)} failed: {', '.join(failed)}")
    return holds_if(passed > 0, f"{passed} tests passed")


def end(suite: subprocess.Popen[str]) -> None:
    """Interrupt the suite if it still runs, so that it removes what it has made."""
    if suite.poll() is None:
        os.killpg(suite.pid, signal.SIGINT)
        try:
            suite.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(suite.pid, signal.SIGKILL)
            suite.wait()


def results(report: Path) -> tuple[int, list[str]]:
    """Return how many tests passed, and the names of those that failed."""
    cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - pytest wrote it
    failed = [
        str(case.get("name"))
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    return len(cases) - len(failed), failed


def tools(context: Context) -> Finding:
    """Call every tool of the function once, and compare a part of each response."""
    wrong = []
    interpreter = context.interpreter
    may_delete = context.function["Environment"]["Variables"].get("ALLOW_DELETE") != "false"
    calls = [row for row in TOOL_CALLS if may_delete or row[0]["tool"] != "workspace_delete"]
    with context.named_session() as session:
        for given, expected in calls:
            arguments = {name: value for name, value in given.items() if name != "tool"}
            response = interpreter.function.request(given["tool"], arguments, session=session.name)
            if response["status"] != "ok" or not expected.items() <= response.items():
                error = response.get("error", {}).get("type", "another response")
                wrong.append(f"{given['tool']}: {error}")
    evidence = "; ".join(wrong) or f"{len(calls)} calls had the expected responses"
    return holds_if(not wrong, evidence)
