"""The app as the CDK CLI runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parent.parent
FLAGS = json.loads((PROJECT / "cdk.json").read_text())["context"]


def run_app(
    out: Path, context: dict[str, Any], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *(arguments or ("app.py",))],
        cwd=PROJECT,
        env={
            **os.environ,
            "CDK_OUTDIR": str(out),
            "CDK_CONTEXT_JSON": json.dumps({**FLAGS, **context}),
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("network", ["sandbox", "public"])
def test_each_template_passes_cdk_nag_and_cfn_lint(tmp_path: Path, network: str) -> None:
    result = run_app(tmp_path, {"code-interpreter:network": network})
    assert result.returncode == 0, result.stdout + result.stderr
    templates = [str(path) for path in tmp_path.glob("*.template.json")]
    lint = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", *templates],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (len(templates), lint.returncode, lint.stdout) == (1, 0, "")


def test_cdk_nag_runs_at_every_synth(tmp_path: Path) -> None:
    """An acknowledgement less is a finding more."""
    code = (
        "import app, cdk_code_interpreter.workspace as workspace;"
        "workspace.acknowledge = lambda *_: None;"
        "app.main()"
    )
    result = run_app(tmp_path, {}, "-c", code)
    assert result.returncode != 0
    assert "AwsSolutions-S1" in result.stdout + result.stderr


def test_a_wrong_setting_ends_in_one_clear_line(tmp_path: Path) -> None:
    result = run_app(tmp_path, {"code-interpreter:netwrok": "public"})
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        line for line in result.stderr.splitlines() if line.startswith("error: context key")
    ]
    assert "did you mean 'code-interpreter:network'" in result.stderr
    assert not result.stdout
