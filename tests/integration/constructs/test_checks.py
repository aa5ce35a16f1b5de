"""cdk-nag, cfn-lint and CDK's own validation find nothing in any mode of use."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, CfnParameter, Environment, Fn, Stack, Validations
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace
from tests.unit.constructs.everything import ACCOUNT, FLAGS, MODES, new_app, recommended_flags


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


# The golden templates show that flags and a known account change little of what is checked.
ENVIRONMENTS = [
    pytest.param(
        flags, known, marks=() if (flags, known) == ("recommended", False) else pytest.mark.slow
    )
    for flags in FLAGS
    for known in (False, True)
]


@pytest.mark.parametrize(("flags", "known"), ENVIRONMENTS)
def test_cdk_nag_and_cdk_find_nothing_in_any_mode(flags: str, known: bool) -> None:
    app = new_app(FLAGS[flags](), builtin_cloud_formation_validation=True)
    environment = Environment(account=ACCOUNT, region="us-east-1") if known else None
    for mode, define in MODES.items():
        define(Stack(app, mode.replace(" ", "-"), env=environment))
    # CDK lets a gateway's role invoke all versions of a function.
    assert {finding for finding in findings(app) if "Role-gateway" not in finding} == set()


def test_cdk_nag_finds_nothing_where_names_are_tokens() -> None:
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


def test_cfn_lint_finds_nothing_in_an_agent_with_an_action_group(tmp_path: Path) -> None:
    app = new_app(outdir=str(tmp_path))
    stack = Stack(app, "Test")
    function = InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter.from_id(stack, "Interpreter", "theirs-abcdefghij"),
        workspace=Workspace(stack, "Workspace"),
    )
    agent = bedrock.CfnAgent(
        stack,
        "Agent",
        agent_name="analyst",
        foundation_model="amazon.nova-pro-v1:0",
        agent_resource_role_arn=f"arn:aws:iam::{ACCOUNT}:role/AmazonBedrockExecutionRoleForAgents",
        instruction="Analyse the data that the user uploads, and draw charts of it.",
        auto_prepare=True,
    )
    function.add_action_group(agent)
    app.synth()
    linted = subprocess.run(
        [
            Path(sys.executable).with_name("cfn-lint"),
            "--regions",
            "us-east-1",
            "--",
            tmp_path / "Test.template.json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (linted.returncode, linted.stdout) == (0, "")
