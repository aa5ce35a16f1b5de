"""A MiniStack that the patches do not fit is refused at start, with the name that is missing."""

from __future__ import annotations

import ast
import tomllib
from typing import TYPE_CHECKING

import pytest

from local_aws import LocalAws, LocalAwsError
from local_aws.local_aws import server_environment
from tests.project import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

PATCHES = PROJECT / "local" / "local_aws" / "ministack_patches"
# Python imports a module of this name before everything else.
CHANGED_MINISTACK = """
from ministack.services import stepfunctions
del stepfunctions._map_runs
"""


def test_a_missing_name_is_reported_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(CHANGED_MINISTACK)

    def environment(directory: Path) -> dict[str, str]:
        return {**server_environment(directory), "PYTHONPATH": str(tmp_path)}

    monkeypatch.setattr("local_aws.local_aws.server_environment", environment)
    expected = (
        r"ministack.services.stepfunctions has no _map_runs\. "
        rf"The local AWS needs ministack {pinned_version()}; \S+ is installed"
    )
    with pytest.raises(LocalAwsError, match=expected):
        LocalAws().start()


@pytest.mark.parametrize("patch", sorted(PATCHES.glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_a_patch_requires_every_internal_name_that_it_uses(patch: Path) -> None:
    tree = ast.parse(patch.read_text())
    modules = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack.")
        for alias in node.names
    }
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in modules
        and node.attr.startswith("_")
    }
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert used <= strings


def pinned_version() -> str:
    project = tomllib.loads((PROJECT / "local" / "pyproject.toml").read_text())["project"]
    [version] = [
        requirement.partition("==")[2]
        for requirement in project["dependencies"]
        if requirement.startswith("ministack")
    ]
    return str(version)
