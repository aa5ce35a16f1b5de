"""Every path, link, name and command in the documents exists, and the sentences are plain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.project import PROJECT

from .documents import (
    ARCHITECTURE,
    CONTRIBUTING,
    DOCUMENTS,
    README,
    dotted_names,
    has_name,
    has_path,
    paths,
    prose,
)

# Folders of the workspace bucket, and files that commands write.
NOT_IN_THE_PROJECT = {
    "code-interpreter/",
    "code-interpreter/chart.png",
    "demo-output/dashboard.png",
    "responses/",
    "result.json",
    "result.txt",
    "uploads/",
}
DESCRIBING = [README, CONTRIBUTING, *(PROJECT / "docs").rglob("*.md")]


def name_of(document: Path) -> str:
    return document.relative_to(PROJECT).as_posix()


@pytest.mark.parametrize("document", DESCRIBING, ids=name_of)
def test_every_path_exists(document: Path) -> None:
    named = set(paths(document)) - NOT_IN_THE_PROJECT
    assert sorted(path for path in named if not has_path(path)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_linked_file_exists(document: Path) -> None:
    text = prose(document)
    links = re.findall(r"\]\(([^)#]+)", text) + re.findall(r"^\[\w+\]: (\S+)$", text, re.MULTILINE)
    files = [link for link in links if "://" not in link]
    assert [file for file in files if not (document.parent / file).exists()] == []


def test_every_name_in_the_architecture_exists() -> None:
    named = dotted_names(ARCHITECTURE)
    assert len(named) > 20
    assert [name for name in named if not has_name(name)] == []


def test_a_name_that_does_not_exist_is_noticed() -> None:
    assert has_name("deadline.Deadline.remaining")
    assert not has_name("deadline.Deadline.missing")
    assert not has_name("sessions.missing")
    assert not has_path("sessions/missing.py")


@pytest.mark.parametrize("document", [README, CONTRIBUTING], ids=name_of)
def test_every_make_target_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    commands = re.findall(r"(?:^|`)make ([a-z -]+[a-z])", document.read_text(), re.MULTILINE)
    assert {target for command in commands for target in command.split()} <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_no_sentence_begins_with_a_relative_clause(document: Path) -> None:
    """CONTRIBUTING.md has the rule: the subject of a sentence is a thing that the code has."""
    beginnings = re.findall(
        r"(?:^|[.:!?|] )(?:What|Who|Whoever)\b.*", prose(document), re.MULTILINE
    )
    assert beginnings == []
