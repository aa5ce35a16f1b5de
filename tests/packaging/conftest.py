from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.project import PROJECT

from .consumer import Consumer


@dataclass(frozen=True)
class Distributions:
    """The published files, built from the checkout and again from the sdist.

    Each is built when a test first asks for it: a build takes half a second.
    """

    directory: Path

    @cached_property
    def library(self) -> tuple[Path, Path]:
        return build(PROJECT, self.directory / "library")

    @cached_property
    def local(self) -> tuple[Path, Path]:
        return build(PROJECT / "local", self.directory / "local")

    @property
    def wheel(self) -> Path:
        return self.library[0]

    @property
    def sdist(self) -> Path:
        return self.library[1]

    @cached_property
    def source(self) -> Path:
        """Return the unpacked sdist, with the litter of some use."""
        source = unpack(self.sdist, self.directory)
        wear(source)
        return source

    @cached_property
    def wheel_from_sdist(self) -> Path:
        return build(self.source, self.directory / "library-again")[0]

    @property
    def local_wheel(self) -> Path:
        return self.local[0]

    @cached_property
    def local_wheel_from_sdist(self) -> Path:
        source = unpack(self.local[1], self.directory)
        return build(source, self.directory / "local-again")[0]

    @cached_property
    def client_wheel(self) -> Path:
        return build(PROJECT / "client", self.directory / "client")[0]


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    return Distributions(tmp_path_factory.mktemp("distributions"))


def build(source: Path, into: Path) -> tuple[Path, Path]:
    """Build the wheel and the sdist of the project in `source`, without the network."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(into)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel], [sdist] = into.glob("*.whl"), into.glob("*.tar.gz")
    return wheel, sdist


def unpack(sdist: Path, into: Path) -> Path:
    with tarfile.open(sdist) as archive:
        # Python 3.11.0 to 3.11.3 have no filters; from 3.14 on this one is the default.
        options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(into, **options)
    return into / sdist.name.removesuffix(".tar.gz")


def wear(directory: Path) -> None:
    """Litter every folder as programs do, restrict all permissions and change all times."""
    for folder in [path for path in directory.rglob("*") if path.is_dir()]:
        (folder / "__pycache__").mkdir()
        for name in ("__pycache__/handler.cpython-314.pyc", ".DS_Store", ".handler.py.swp"):
            (folder / name).write_text("litter")
    for path in directory.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (0, 0))


@pytest.fixture(scope="session")
def consumer(tmp_path_factory: pytest.TempPathFactory, distributions: Distributions) -> Consumer:
    """Create a project after `pip install cdk-code-interpreter`."""
    directory = tmp_path_factory.mktemp("consumer") / "project"
    return Consumer.create(directory, [distributions.wheel])
