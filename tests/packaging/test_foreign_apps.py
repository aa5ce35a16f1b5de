"""Three apps of users, in another folder and an environment of their own.

They are deployed in a third, that of `pip install 'cdk-code-interpreter[local]'`.
"""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.project import PROJECT

from .consumer import Consumer
from .foreign import apps

if TYPE_CHECKING:
    from .conftest import Distributions

INTERPRETER = "Custom::CodeInterpreter"


@pytest.fixture(scope="module")
def report(consumer: Consumer) -> dict[str, Any]:
    """Synthesise in the consumer's project, and return the report of `synthesise.py`."""
    return dict(json.loads(consumer.run("synthesise.py", consumer.directory / "assemblies")))


@pytest.fixture(scope="module")
def assemblies(consumer: Consumer, report: dict[str, Any]) -> Path:
    assert report["library"].startswith(str(consumer.packages))
    return consumer.directory / "assemblies"


def test_synthesis_needs_neither_the_checkout_nor_an_sdk_nor_the_network(
    report: dict[str, Any],
) -> None:
    assert [path for path in report["path"] if Path(path).is_relative_to(PROJECT)] == []
    assert report["importable"] == []
    assert report["reached_for"] == []


def test_the_checkout_and_the_wheel_make_the_same_assemblies(
    assemblies: Path, tmp_path: Path
) -> None:
    """Compare both functions; the third app takes as long as the rest, and has no other files."""
    names = ("network", "tool")
    apps.synthesise(tmp_path, names)
    for name in names:
        assert_same(tmp_path / name, assemblies / name, templates=1)


@pytest.mark.slow
def test_a_worn_sdist_and_the_wheel_make_the_same_assemblies(
    consumer: Consumer, distributions: Distributions, assemblies: Path, tmp_path: Path
) -> None:
    source = distributions.source / "constructs"
    printed = consumer.run("synthesise.py", tmp_path, PYTHONPATH=str(source))
    assert json.loads(printed)["library"].startswith(str(source))
    assert_same(tmp_path, assemblies, templates=5)


def test_synthesis_needs_no_context_lookup(assemblies: Path) -> None:
    manifests = [json.loads(path.read_text()) for path in assemblies.rglob("manifest.json")]
    assert len(manifests) == 5
    assert [manifest["missing"] for manifest in manifests if "missing" in manifest] == []


def test_an_interpreter_alone_in_a_vpc_stack(assemblies: Path) -> None:
    resources = template(assemblies / "network" / "TheirNetwork.template.json")
    [interpreter] = of_type(resources, INTERPRETER)
    assert interpreter["NetworkConfiguration"]["NetworkMode"] == "VPC"
    assert len(interpreter["NetworkConfiguration"]["VpcConfig"]["Subnets"]) == 2
    assert len(of_type(resources, "AWS::Lambda::Function")) == 1


def test_a_function_for_an_existing_interpreter_and_bucket(assemblies: Path) -> None:
    resources = template(assemblies / "tool" / "TheirTool.template.json")
    [function] = of_type(resources, "AWS::Lambda::Function")
    variables = function["Environment"]["Variables"]
    _, parts = variables.pop("RECORDS_PREFIX")["Fn::Join"]
    assert [part for part in parts if isinstance(part, str)] == [
        "sessions/analysis/",
        ".",
        ".shared-abcdefghij/",
    ]
    assert variables == {
        "CODE_INTERPRETER_ID": "shared-abcdefghij",
        "WORKSPACE_BUCKET": "a-bucket-of-theirs",
        "WORKSPACE_PREFIX": "analysis",
        "SESSION_TIMEOUT_SECONDS": "900",
        "ALLOW_DELETE": "true",
        "MALLOC_MMAP_THRESHOLD_": "1048576",
    }
    assert not of_type(resources, "AWS::S3::Bucket") + of_type(resources, INTERPRETER)


def test_several_copies_in_several_stacks_and_stages(assemblies: Path) -> None:
    paths = sorted((assemblies / "everything").glob("assembly-*/*.template.json"))
    stacks = [template(path) for path in paths]
    for stack, count in zip(stacks, (2, 1), strict=True):
        interpreters = of_type(stack, INTERPRETER)
        assert len({interpreter["NamePrefix"] for interpreter in interpreters}) == count
        assert len(of_type(stack, "AWS::S3::Bucket")) == count
        control = [
            function
            for function in of_type(stack, "AWS::Lambda::Function")
            if function["Handler"].startswith("code_interpreter_control")
        ]
        assert len(control) == 1


# With the extra `local`.


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, distributions: Distributions) -> Consumer:
    return Consumer.create(
        tmp_path_factory.mktemp("local") / "project",
        [distributions.wheel, distributions.local_wheel],
        pytest=True,
    )


def test_their_own_test_deploys_and_invokes_their_stack(
    project: Consumer, assemblies: Path
) -> None:
    printed = project.run(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "their_tests.py"),
        ASSEMBLIES=str(assemblies),
    )
    assert "1 passed" in printed


def test_one_command_keeps_a_local_aws_running_and_leaves_nothing(
    project: Consumer, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [project.python, "-W", "error", "-m", "local_aws", "--port", "0"],
        cwd=project.directory,
        env={**project.environment(), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        try:
            assert command.stdout is not None
            lines = itertools.takewhile(lambda line: line != "\n", command.stdout)
            exported = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
            assert list(tmp_path.iterdir())
            identity = boto3.client(
                "sts",
                endpoint_url=exported["AWS_ENDPOINT_URL"],
                aws_access_key_id=exported["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=exported["AWS_SECRET_ACCESS_KEY"],
                region_name=exported["AWS_REGION"],
            ).get_caller_identity()
            assert identity["Account"] == exported["AWS_ACCESS_KEY_ID"]
            command.send_signal(signal.SIGINT)
            assert command.wait() == 0
        finally:
            command.kill()
    assert list(tmp_path.iterdir()) == []


# Assemblies.


def assert_same(one: Path, other: Path, *, templates: int) -> None:
    """Check that the assemblies in two folders deploy the same templates and assets."""
    here, there = deployed_from(one), deployed_from(other)
    assert here.keys() == there.keys()
    assert [name for name in here if here[name] != there[name]] == []
    names = [path.name for path in here]
    assert sum(name.endswith(".template.json") for name in names) == templates
    assert "handler.py" in names


def deployed_from(directory: Path) -> dict[Path, bytes]:
    """Return the templates and assets, without the metadata, which has paths of the source."""
    return {
        path.relative_to(directory): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.name.endswith((".metadata.json", "tree.json"))
    }


def template(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())["Resources"])


def of_type(resources: dict[str, Any], resource_type: str) -> list[dict[str, Any]]:
    return [
        resource["Properties"]
        for resource in resources.values()
        if resource["Type"] == resource_type
    ]
