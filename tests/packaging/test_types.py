"""Type checkers in the project of a user who installed the library."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import cdk_code_interpreter
from tests.project import PROJECT

from .consumer import FOREIGN, TIMEOUT_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from .consumer import Consumer

# Kept between runs: without it, mypy reads aws-cdk-lib for a minute.
MYPY_CACHE = PROJECT / ".cache" / "mypy-consumer"
PYRIGHT = PROJECT / "node_modules" / "pyright" / "index.js"

# Mypy takes a minute to read all of aws-cdk-lib, so it reads only the modules that the library
# itself imports. Pyright reads all that the types lead to.
MYPY = """[mypy]
strict = true

[mypy-aws_cdk.*]
follow_imports = skip

[mypy-aws_cdk,{modules}]
follow_imports = normal
"""


@pytest.mark.slow
def test_mypy_accepts_right_uses_and_finds_every_mistake(consumer: Consumer) -> None:
    modules = sorted(cdk_modules(consumer.packages / "cdk_code_interpreter"))
    assert "aws_cdk.aws_iam" in modules
    settings = consumer.directory / "mypy.ini"
    settings.write_text(MYPY.format(modules=",".join(modules)))
    command = [sys.executable, "-m", "mypy", "--python-executable", str(consumer.python)]
    check(consumer, [*command, "--cache-dir", str(MYPY_CACHE), "typed.py"])


@pytest.mark.slow
def test_pyright_accepts_right_uses_and_finds_every_mistake(consumer: Consumer) -> None:
    check(consumer, ["node", str(PYRIGHT), "--warnings"])


def test_every_public_name_is_used() -> None:
    named = re.findall(r"\w+", (FOREIGN / "typed.py").read_text())
    assert [name for name in cdk_code_interpreter.__all__ if named.count(name) < 2] == []


def check(consumer: Consumer, command: list[str]) -> None:
    done = subprocess.run(
        command,
        cwd=consumer.directory,
        env=consumer.environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def cdk_modules(package: Path) -> set[str]:
    """Return the modules of aws-cdk-lib that a package imports for its types."""
    text = "".join(path.read_text() for path in package.glob("*.py"))
    return {f"aws_cdk.{name}" for name in re.findall(r"^from aws_cdk import (aws_\w+)", text, re.M)}
