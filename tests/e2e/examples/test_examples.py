"""Rules for all examples that are CDK apps, and for the list of examples."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, CloudFormationValidatePlugin, Validations
from cdk_nag import AwsSolutionsChecks

from examples.existing_vpc import ExistingVpcStack
from examples.gateway import GatewayStack
from examples.harness import HarnessStack
from examples.many_inputs import ManyInputsStack
from examples.tenants import TenantsStack
from tests.project import PROJECT

EXAMPLES = sorted((PROJECT / "examples").glob("*.py"))
PUBLIC = {
    "__future__",
    "aws_cdk",
    "boto3",
    "botocore",
    "cdk_code_interpreter",
    "code_interpreter_client",
    "constructs",
}
# CDK's own constructs, and the grants of its functions, give permissions that end in a wildcard.
WRITTEN_BY_CDK = {
    "ToolGateway/Gateway",
    "ManyInputs/StateMachine",
    "Tenants/acmeRole",
    "Tenants/globexRole",
}


# `tests/integration/test_validation.py` has the checks of all that the examples are made of.
@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthesize all of them without feature flags, with the findings of cdk-nag and of CDK."""
    directory = tmp_path_factory.mktemp("examples")
    app = App(outdir=str(directory))
    Validations.of(app).add_plugins(
        AwsSolutionsChecks(app, verbose=True), CloudFormationValidatePlugin()
    )
    ExistingVpcStack(
        app,
        "ExistingVpc",
        vpc_id="vpc-0123456789abcdef0",
        subnet_ids=["subnet-0123456789abcdef0"],
    )
    GatewayStack(app, "ToolGateway")
    HarnessStack(app, "Harness")
    ManyInputsStack(app, "ManyInputs")
    TenantsStack(app, "Tenants", tenants=["acme", "globex"])
    with pytest.raises(RuntimeError, match="AwsSolutions-IAM5"):
        app.synth()
    return directory


@pytest.mark.slow
def test_cdk_nag_and_cdk_find_only_roles_of_cdks_own_constructs(assembly: Path) -> None:
    report = json.loads((assembly / "validation-report.json").read_text())
    found = {
        (violation["ruleName"].partition("[")[0], "/".join(path.split("/")[:2]))
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for path in [violating["constructPath"] for violating in violation["violatingConstructs"]]
    }
    assert found == {("AwsSolutions-IAM5", construct) for construct in WRITTEN_BY_CDK}


@pytest.mark.slow
def test_cfn_lint_finds_nothing(assembly: Path) -> None:
    templates = sorted(assembly.glob("*.template.json"))
    lint = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", *templates],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (len(templates), lint.returncode, lint.stdout) == (5, 0, "")


def test_the_results_are_written_whatever_the_flags_of_the_app(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    ManyInputsStack(app, "ManyInputs")
    app.synth()
    assert "ResultWriter" in (tmp_path / "ManyInputs.template.json").read_text()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_imports_only_packages_that_its_users_have(example: Path) -> None:
    assert imported(example) - PUBLIC - sys.stdlib_module_names == set()


def test_the_list_has_every_example_and_each_says_how_to_run_it() -> None:
    table = (PROJECT / "examples" / "README.md").read_text()
    for example in EXAMPLES:
        assert f"[{example.name}]({example.name})" in table
        assert f"python examples/{example.name}" in (
            ast.get_docstring(ast.parse(example.read_text())) or ""
        )


def imported(path: Path) -> set[str]:
    """Return the packages that a module imports."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names.append(node.module or ".")
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return {name.partition(".")[0] for name in names}
