"""What every test may use: one local AWS for the run, and an account of its own in it."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local_aws import LocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parent.parent

# Node and the CDK CLI are the project's own, also when pytest is started without make.
os.environ["PATH"] = os.pathsep.join([str(PROJECT / ".venv" / "bin"), os.environ["PATH"]])
os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(PROJECT / ".cache" / "jsii"))
# Botocore must never look for the credentials or the region of whoever runs the tests.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]

accounts = itertools.count(100_000_000_000)


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    with LocalAws() as aws:
        yield aws


@pytest.fixture
def account() -> str:
    """A 12-digit account that no other test sees."""
    return str(next(accounts))
