"""The project of a user of the library: a folder with an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from tests.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FOREIGN = Path(__file__).with_name("foreign")
TIMEOUT_SECONDS = 600
# The packages that a consumer would download, as they are installed here.
INSTALLED = [
    str(path)
    for environment in (".venv", ".venv-sandbox")
    for path in (PROJECT / environment).glob("lib/python3*/site-packages")
]
# Packages whose installed version is not the one that a distribution requires.
OVERRIDDEN = {
    Requirement(line).name
    for line in (PROJECT / "requirements" / "overrides.txt").read_text().splitlines()
    if not line.startswith("#")
}


@dataclass(frozen=True)
class Consumer:
    """A project in `directory` that sees its own environment only."""

    directory: Path

    @classmethod
    def create(
        cls,
        directory: Path,
        wheels: Iterable[Path],
        *,
        pytest: bool = False,
        files: Path = FOREIGN,
    ) -> Consumer:
        """Create a project with `wheels` and their requirements, and nothing else.

        The project has a copy of `files`. Like pip, the installer writes byte code. The installed
        files are readable by their owner alone.
        """
        shutil.copytree(files, directory, ignore=shutil.ignore_patterns("__pycache__"))
        consumer = cls(directory)
        venv.create(directory / ".venv", symlinks=True)
        (directory / ".venv" / "bin" / "node").symlink_to(PROJECT / ".venv" / "bin" / "node")
        wanted = [requirement for wheel in wheels for requirement in requirements_of(wheel)]
        wanted += [Requirement("pytest")] if pytest else []
        ours = {canonicalize_name(wheel.name.partition("-")[0]) for wheel in wheels}
        kernel = closure([Requirement("ipykernel")], without=set())
        in_sandboxes = {distribution.name for distribution in kernel}
        # A sandbox sees the project's environment, but not the targets of its links.
        copied: list[Path] = []
        for distribution in closure(wanted, without=ours):
            if distribution.name in in_sandboxes:
                copied += top_level(distribution)
            else:
                link(top_level(distribution), consumer.packages)
        copy(copied, consumer.packages)
        install = ["uv", "pip", "install", "--quiet", "--offline", "--no-deps"]
        install += ["--compile-bytecode", "--python", str(consumer.python)]
        subprocess.run(
            [*install, *map(str, wheels)],
            env={**os.environ, "UV_CACHE_DIR": str(directory / "uv-cache")},
            umask=0o077,
            check=True,
        )
        return consumer

    @property
    def python(self) -> Path:
        return self.directory / ".venv" / "bin" / "python"

    @property
    def packages(self) -> Path:
        [packages] = (self.directory / ".venv").glob("lib/python3*/site-packages")
        return packages

    def run(self, *arguments: str | Path, **variables: str) -> str:
        """Run the project's Python with warnings as errors, and return its output."""
        done = subprocess.run(
            [self.python, "-W", "error", *arguments],
            cwd=self.directory,
            env=self.environment() | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Return variables without credentials; only jsii's cache is a path into the checkout."""
        return {
            "PATH": os.pathsep.join([str(self.python.parent), "/usr/bin", "/bin"]),
            "HOME": str(self.directory),
            "LANG": "C.UTF-8",
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": os.environ["JSII_RUNTIME_PACKAGE_CACHE_ROOT"],
        }


def requirements_of(wheel: Path) -> list[Requirement]:
    [distribution] = metadata.distributions(path=[str(wheel)])
    return needs(distribution)


def needs(distribution: metadata.Distribution) -> list[Requirement]:
    """Return the requirements of a distribution on this machine, without its extras."""
    return [
        requirement
        for requirement in map(Requirement, distribution.requires or [])
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    ]


def closure(
    wanted: list[Requirement], without: set[NormalizedName]
) -> Iterator[metadata.Distribution]:
    """Yield the installed distributions that `wanted` names, and all that they require."""
    seen = set(without)
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        if name in without:
            continue
        [distribution, *_] = metadata.distributions(name=name, path=INSTALLED)
        suits = requirement.specifier.contains(distribution.version)
        assert suits or name in OVERRIDDEN, f"{requirement} is required, not {distribution.version}"
        if name not in seen:
            seen.add(name)
            yield distribution
            wanted += needs(distribution)


def top_level(distribution: metadata.Distribution) -> list[Path]:
    """Return a distribution's top-level files and folders."""
    names = {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}
    return [Path(str(distribution.locate_file(name))) for name in names]


def link(sources: list[Path], folder: Path) -> None:
    for source in sources:
        if not (folder / source.name).exists():
            (folder / source.name).symlink_to(source)


def copy(sources: list[Path], folder: Path) -> None:
    """Copy with a program: `shutil` takes three times as much of a processor for 8,000 files."""
    if sources:
        subprocess.run(["cp", "-a", *sources, folder], check=True)
