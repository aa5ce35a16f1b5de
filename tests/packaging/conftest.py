from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.project import PROJECT

from .consumer import Consumer


@dataclass(frozen=True)
class Distributions:
    """The published files, built from the checkout and again from the sdist.

    `source` is the unpacked sdist, with the litter of some use.
    """

    wheel: Path
    sdist: Path
    source: Path
    wheel_from_sdist: Path
    local_wheel: Path
    local_wheel_from_sdist: Path
    client_wheel: Path


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """Build the distributions, in every worker that uses them: it takes a second."""
    directory = tmp_path_factory.mktemp("distributions")
    wheel, sdist = build(PROJECT, directory / "library")
    local_wheel, local_sdist = build(PROJECT / "local", directory / "local")
    source = unpack(sdist, directory)
    local_source = unpack(local_sdist, directory)
    client_wheel, _ = build(PROJECT / "client", directory / "client")
    wear(source)
    return Distributions(
        wheel=wheel,
        sdist=sdist,
        source=source,
        wheel_from_sdist=build(source, directory / "library-again")[0],
        local_wheel=local_wheel,
        local_wheel_from_sdist=build(local_source, directory / "local-again")[0],
        client_wheel=client_wheel,
    )


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
