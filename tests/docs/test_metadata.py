"""The metadata of both distributions agrees with itself and with the documents.

Each distribution is built from its own folder, so the version cannot be in one file. Here is the
proof that its three places agree.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from tests.project import PROJECT


def project_table(folder: str) -> dict[str, Any]:
    text = (PROJECT / folder / "pyproject.toml").read_text()
    table: dict[str, Any] = tomllib.loads(text)["project"]
    return table


LIBRARY = project_table(".")
LOCAL = project_table("local")


def test_both_distributions_and_the_extra_have_one_version() -> None:
    assert LOCAL["version"] == LIBRARY["version"]
    assert LIBRARY["optional-dependencies"]["local"] == [f"{LOCAL['name']}=={LIBRARY['version']}"]


def test_the_changelog_has_the_version() -> None:
    changelog = (PROJECT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)
    assert versions[:2] == ["Unreleased", LIBRARY["version"]]


def test_the_classifiers_name_the_versions_of_python_that_make_accepts() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    accepted = set(re.findall(r"\bpython(3\.\d+)\b", makefile))
    for table in (LIBRARY, LOCAL):
        named = re.findall(r"Python :: (3\.\d+)", " ".join(table["classifiers"]))
        assert set(named) == accepted
        assert table["requires-python"] == f">={min(accepted)}"
