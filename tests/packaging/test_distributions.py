"""The contents of the published files."""

from __future__ import annotations

import tarfile
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from tests.project import PROJECT

from .consumer import requirements_of

if TYPE_CHECKING:
    from .conftest import Distributions

LIBRARY = PROJECT / "constructs" / "cdk_code_interpreter"
LAMBDA = PROJECT / "lambda"


def test_the_wheel_is_the_library_with_its_lambda_code_and_nothing_else(
    distributions: Distributions,
) -> None:
    library = sources(LIBRARY, "cdk_code_interpreter")
    code = sources(LAMBDA, "cdk_code_interpreter/lambda_assets")
    assert "cdk_code_interpreter/py.typed" in library
    assert contents(distributions.wheel) == {**library, **code}


def test_the_sdist_has_what_the_wheel_is_made_of_and_nothing_else(
    distributions: Distributions,
) -> None:
    with tarfile.open(distributions.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    source = {
        **sources(LIBRARY, "constructs/cdk_code_interpreter"),
        **sources(LAMBDA, "lambda"),
    }
    assert names == {*source, "README.md", "pyproject.toml", "PKG-INFO", ".gitignore"}


def test_a_wheel_from_a_worn_sdist_is_the_same_to_the_byte(distributions: Distributions) -> None:
    for wheel, again in (
        (distributions.wheel, distributions.wheel_from_sdist),
        (distributions.local_wheel, distributions.local_wheel_from_sdist),
    ):
        assert contents(again) == contents(wheel)
        assert again.read_bytes() == wheel.read_bytes()


def test_the_wheel_requires_the_cdk_and_nothing_else(distributions: Distributions) -> None:
    needed = {requirement.name for requirement in requirements_of(distributions.wheel)}
    assert needed == {"aws-cdk-lib", "constructs"}


def test_the_extra_is_the_local_aws_of_the_same_version(distributions: Distributions) -> None:
    [library] = metadata.distributions(path=[str(distributions.wheel)])
    [local] = metadata.distributions(path=[str(distributions.local_wheel)])
    assert library.version == local.version
    extra = [need for need in library.requires or [] if "extra == 'local'" in need]
    assert extra == [f"{local.name}=={local.version}; extra == 'local'"]


def test_the_local_aws_has_two_packages_and_nothing_that_works_on_the_checkout(
    distributions: Distributions,
) -> None:
    found = contents(distributions.local_wheel)
    assert {name.partition("/")[0] for name in found} == {"agentcore_emulator", "local_aws"}
    assert {"agentcore_emulator/py.typed", "local_aws/py.typed"} <= found.keys()
    assert not [name for name in found if name.startswith("local_aws/demo")]
    assert not [name for name, text in found.items() if b"node_modules/.bin" in text]


def test_no_file_names_the_machine_that_built_it(distributions: Distributions) -> None:
    for wheel in (distributions.wheel, distributions.local_wheel):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                assert str(PROJECT).encode() not in archive.read(name), name


def contents(wheel: Path) -> dict[str, bytes]:
    """Return the files that a wheel installs, without its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name
        }


def sources(directory: Path, inside: str) -> dict[str, bytes]:
    """Return the source files of a folder, without litter, by their paths below `inside`."""
    found = {}
    for path in directory.rglob("*"):
        relative = path.relative_to(directory)
        litter = any(part == "__pycache__" or part.startswith(".") for part in relative.parts)
        if path.is_file() and not litter:
            found[f"{inside}/{relative.as_posix()}"] = path.read_bytes()
    return found
