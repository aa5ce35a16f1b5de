"""The program that runs the CDK CLI for `make`."""

from __future__ import annotations

import pytest
import run_cdk


@pytest.mark.parametrize(
    ("options", "given"),
    [
        (["-c", "code-interpreter:network"], "'code-interpreter:network'"),
        (["-c", "code-interpreter:network=vpc", "--context", "alarms", "--force"], "'alarms'"),
        (["--profile", "mine", "-c"], "''"),
    ],
)
def test_a_context_without_a_value_is_refused(
    options: list[str], given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The CDK CLI would leave it out, and deploy something else."""
    assert run_cdk.main(["deploy", "--all", *options]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: CONTEXT has -c {given}, but it must be a key and a value")
