"""The wheels that the documents install are those that they build."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.project import PROJECT

NAME = r"cdk-code-interpreter[a-z-]*"


@pytest.mark.parametrize("document", ["README.md", "local/README.md"])
def test_each_wheel_that_is_installed_is_built(document: str) -> None:
    text = (PROJECT / document).read_text(encoding="utf-8")
    [folders] = re.findall(r"pip wheel --no-deps --wheel-dir dist ([./a-z ]+?) *(?:#|\n)", text)
    built = {
        tomllib.loads((PROJECT / folder / "pyproject.toml").read_text())["project"]["name"]
        for folder in folders.split()
    }
    commands = re.findall(r"pip install --find-links [^`\n#]+", text)
    installed = {name for command in commands for name in re.findall(NAME, command)}
    # The extra `local` installs its distribution.
    assert installed | {"cdk-code-interpreter-local"} == built
