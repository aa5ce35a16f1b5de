"""cdk-nag and CDK's own validation find nothing in any mode of use."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from aws_cdk import App, CfnParameter, Environment, Fn, Stack, Validations
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace

from .everything import ACCOUNT, FLAGS, MODES, new_app, recommended_flags


def findings(app: App) -> set[str]:
    """Return the rules and the paths of all findings, without the library's own warnings."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))
    with contextlib.suppress(RuntimeError):  # raised when something is found
        app.synth()
    [path] = Path(app.outdir).glob("*validation-report.json")
    return {
        f"{violation['ruleName']} at {place['constructPath']}"
        for report in json.loads(path.read_text())["pluginReports"]
        for violation in report["violations"]
        for place in violation["violatingConstructs"]
        if not violation["ruleName"].startswith("Annotation::")
    }


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("flags", FLAGS)
def test_every_mode_passes(flags: str, known: bool) -> None:
    app = new_app(FLAGS[flags](), builtin_cloud_formation_validation=True)
    environment = Environment(account=ACCOUNT, region="us-east-1") if known else None
    for mode, define in MODES.items():
        define(Stack(app, mode.replace(" ", "-"), env=environment))
    # CDK lets a gateway's role invoke all versions of a function.
    assert {finding for finding in findings(app) if "Role-gateway" not in finding} == set()


def test_names_that_are_tokens_pass() -> None:
    """Acknowledgements contain ARNs, and parameters and imported values are parts of those."""
    app = new_app(recommended_flags())
    stack = Stack(app, "Test")

    def given(name: str) -> str:
        return CfnParameter(stack, name).value_as_string

    for number, (bucket_name, prefix) in enumerate(
        [
            (given("Bucket"), Fn.join("/", ["theirs", given("Prefix")])),
            (Fn.import_value("bucket"), Fn.select(1, Fn.split("/", given("Path")))),
            (Fn.sub("files-${AWS::Region}"), "files"),
        ]
    ):
        bucket = s3.Bucket.from_bucket_name(stack, f"Bucket{number}", bucket_name)
        InvokeFunction(
            stack,
            f"Invoke{number}",
            code_interpreter=CodeInterpreter.from_id(
                stack, f"Interpreter{number}", given(f"Id{number}")
            ),
            workspace=Workspace(stack, f"Workspace{number}", bucket=bucket, prefix=prefix),
        )
    assert findings(app) == set()
