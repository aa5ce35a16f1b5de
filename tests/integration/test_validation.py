"""cdk-nag, cfn-lint and CDK's own validation find nothing in any mode of use.

CDK's own validation has the rules of cfn-lint, and a process compiles them for seven seconds: it
is left to the slow tests.
"""

from __future__ import annotations

import contextlib
import functools
import json
from pathlib import Path

import pytest
from aws_cdk import (
    App,
    CfnParameter,
    CloudFormationValidatePlugin,
    Environment,
    Fn,
    Stack,
    Validations,
)
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

import app as project
from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace
from tests.integration.test_app import ALL_DEPLOYMENTS, has_network_stack, namespaced
from tests.integration.test_app import FLAGS as CONTEXT
from tests.project import PROJECT
from tests.unit.constructs.everything import ACCOUNT, FLAGS, MODES, new_app, recommended_flags


@functools.cache
def cdks_own() -> CloudFormationValidatePlugin:
    """Return CDK's validation: each instance of it compiles its rules."""
    return CloudFormationValidatePlugin()


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


def lint(*arguments: str | Path) -> list[str]:
    """Return what cfn-lint finds, with the project's settings and these arguments."""
    from cfnlint.config import ConfigMixIn  # here: other workers need not wait for it
    from cfnlint.runner import Runner

    settings = ConfigMixIn(["--config-file", str(PROJECT / ".cfnlintrc"), *map(str, arguments)])
    return [str(found) for found in Runner(settings).run()]


def test_cdk_nag_finds_nothing_in_any_mode() -> None:
    app = new_app(recommended_flags())
    assert findings_of_modes(app) == set()


@pytest.mark.slow  # the golden templates show that flags and a known account change little
@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("known", [False, True])
def test_cdk_nag_and_cdk_find_nothing_in_any_mode(flags: str, known: bool) -> None:
    app = new_app(FLAGS[flags]())
    Validations.of(app).add_plugins(cdks_own())
    assert findings_of_modes(app, known=known) == set()


def findings_of_modes(app: App, *, known: bool = False) -> set[str]:
    """Define the modes in an app, and return what is found in them.

    :param known: Whether the account and the region of the stacks are known.
    """
    environment = Environment(account=ACCOUNT, region="us-east-1") if known else None
    for mode, define in MODES.items():
        define(Stack(app, mode.replace(" ", "-"), env=environment))
    # CDK lets a gateway's role invoke all versions of a function.
    return {finding for finding in findings(app) if "Role-gateway" not in finding}


@pytest.mark.parametrize(
    ("names", "by_cdk"),
    [
        pytest.param(("everything", "sealed"), False, id="some"),
        pytest.param(tuple(ALL_DEPLOYMENTS), True, id="all", marks=pytest.mark.slow),
    ],
)
def test_every_deployment_passes_cdk_nag_and_cfn_lint(
    tmp_path: Path, names: tuple[str, ...], by_cdk: bool
) -> None:
    """Synthesis fails if cdk-nag or CDK finds anything."""
    templates: list[Path] = []
    for name in names:
        out = tmp_path / name
        app = App(outdir=str(out), context={**CONTEXT, **namespaced(ALL_DEPLOYMENTS[name])})
        if by_cdk:
            Validations.of(app).add_plugins(cdks_own())
        project.build(app)
        app.synth()
        templates += out.glob("*.template.json")
    of_networks = sum(has_network_stack(ALL_DEPLOYMENTS[name]) for name in names)
    assert len(templates) == len(names) + of_networks
    assert lint(*templates) == []


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
    assert lint("--regions", "us-east-1", "--", tmp_path / "Test.template.json") == []
