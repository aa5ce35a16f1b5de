"""The threat model names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.project import PROJECT

THREATS = (PROJECT / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", THREATS)))
ROWS = [
    line
    for section in re.findall(r"^### .*?(?=^#)", THREATS, re.DOTALL | re.MULTILINE)
    for line in section.splitlines()
    if line.startswith("| ") and "| closed by |" not in line
]


@cache
def functions(path: str) -> set[str]:
    tree = ast.parse((PROJECT / "tests" / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_the_tests_of_the_threat_model_exist(path: str, name: str) -> None:
    assert name in functions(path)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.split("|")[1].strip()[:60]))
def test_every_threat_is_shown_closed_or_said_to_remain(row: str) -> None:
    _, threat, _, shown_by, _ = row.split("|")
    assert "::" in shown_by or "(#remaining-risks)" in row, threat
