"""Three apps of users, in another folder and an environment of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.project import PROJECT

from .foreign import apps

if TYPE_CHECKING:
    from .conftest import Distributions
    from .consumer import Consumer

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
    apps.synthesise(tmp_path)
    assert_same(tmp_path, assemblies)


@pytest.mark.slow
def test_a_worn_sdist_and_the_wheel_make_the_same_assemblies(
    consumer: Consumer, distributions: Distributions, assemblies: Path, tmp_path: Path
) -> None:
    source = distributions.source / "constructs"
    printed = consumer.run("synthesise.py", tmp_path, PYTHONPATH=str(source))
    assert json.loads(printed)["library"].startswith(str(source))
    assert_same(tmp_path, assemblies)


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
    assert len(paths) == 4
    stacks = [template(path) for path in paths]
    for stack, count in zip(stacks, (1, 2, 1, 2), strict=True):
        interpreters = of_type(stack, INTERPRETER)
        assert len({interpreter["NamePrefix"] for interpreter in interpreters}) == count
        assert len(of_type(stack, "AWS::S3::Bucket")) == count
        control = [
            function
            for function in of_type(stack, "AWS::Lambda::Function")
            if function["Handler"].startswith("code_interpreter_control")
        ]
        assert len(control) == 1


def assert_same(one: Path, other: Path) -> None:
    """Check that two assemblies deploy the same templates and assets."""
    here, there = deployed_from(one), deployed_from(other)
    assert here.keys() == there.keys()
    assert [name for name in here if here[name] != there[name]] == []
    names = [path.name for path in here]
    assert sum(name.endswith(".template.json") for name in names) == 7
    assert {"handler.py", "service-2.json"} <= set(names)


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
