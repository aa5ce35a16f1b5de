"""The README says what is true of the code it describes."""

from __future__ import annotations

import re
from pathlib import Path

from code_interpreter_invoke.schemas import reference_table
from stacks.settings import _PARSERS

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text()


def test_the_tools_are_those_of_the_function() -> None:
    table = README.partition("<!-- tools -->")[2].partition("<!-- end of tools -->")[0]
    assert table.strip() == reference_table().strip()


def test_every_setting_is_there_and_no_other() -> None:
    table = README.partition("| key, after")[2].partition("\n\n")[0]
    keys = [
        key
        for row in table.splitlines()[2:]
        for key in re.findall(r"`([a-z-]+)`", row.split("|")[1])
    ]
    assert sorted(keys) == sorted(_PARSERS)


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README)) - {"Python"} <= targets


def test_every_linked_file_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if "://" not in link and not (PROJECT / link).exists()] == []
