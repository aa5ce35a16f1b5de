"""The adapters, each in an environment of its own, with its framework's own suite or agents."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.environments import python_with
from tests.project import PROJECT

SUITES = Path(__file__).parent / "frameworks"
# The tests that leave themselves out. Those of Pydantic AI are about a backend that never replaces
# an environment, and about a user other than root.
SKIPPED = {"deepagents": 0, "pydantic-ai": 3, "strands": 0}


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("framework", SKIPPED)
def test_a_framework_works_in_the_deployed_sandbox(
    environment: dict[str, str], tmp_path: Path, framework: str
) -> None:
    suite = SUITES / f"{framework.replace('-', '_')}_suite.py"
    options = ["-p", "no:cacheprovider", "-c", os.devnull, "--override-ini", "asyncio_mode=auto"]
    folders = ["--rootdir", str(SUITES), "--confcutdir", str(SUITES)]
    done = subprocess.run(
        [python_with(f"adapters-{framework}"), "-m", "pytest", "-q", *options, *folders, suite],
        cwd=tmp_path,
        env={
            **os.environ,
            **environment,
            "PYTHONPATH": str(PROJECT / "client"),
            "PYTHONDONTWRITEBYTECODE": "1",
            # No traces and no statistics leave the machine.
            "LANGSMITH_TRACING": "false",
            "OTEL_SDK_DISABLED": "true",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    summary = done.stdout.splitlines()[-1]
    skipped = int(summary.partition(" skipped")[0].split()[-1]) if "skipped" in summary else 0
    assert skipped == SKIPPED[framework], summary
