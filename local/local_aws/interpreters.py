"""Find or make the Python environments for Lambda functions and for code in sandboxes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import venv
from pathlib import Path
from typing import Literal, get_args

from local_aws.errors import LocalAwsError

Libraries = Literal["basic", "full"]
LIBRARIES: tuple[Libraries, ...] = get_args(Libraries)

# As `agentcore_emulator.sandbox.libraries` and `local/install.py` name it.
FULL_ENVIRONMENT = ".venv-libraries"

CHECKOUT = Path(__file__).parents[2]
"""The checkout of the project, if this is one."""

# boto3 and its dependencies: with the standard library, everything that Lambda's runtime has.
SDK_PACKAGES = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


def find_lambda_python(directory: Path) -> Path:
    """Return the interpreter of `.venv-lambda` beside this environment, or make an environment.

    The environment made in `directory` has this environment's boto3 and nothing else, so that a
    function fails here, too, if it imports a package that Lambda lacks.
    """
    beside = Path(sys.prefix).parent / ".venv-lambda" / "bin" / "python"
    return beside if beside.exists() else make_lambda_environment(directory / "lambda-environment")


def make_lambda_environment(directory: Path) -> Path:
    """Link this environment's boto3 into a new one, and return its interpreter."""
    venv.create(directory, symlinks=True)
    [packages] = directory.glob("lib/python3*/site-packages")
    for name in SDK_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            found = Path(spec.origin)
            source = found.parent if spec.submodule_search_locations else found
            (packages / source.name).symlink_to(source)
    return directory / "bin" / "python"


def find_sandbox_python(python: Path | None, libraries: Libraries) -> Path | None:
    """Return the interpreter for code in sandboxes; None leaves the choice to the emulator.

    In a checkout, install the libraries of the service if they are asked for.

    :raises LocalAwsError: if the arguments are wrong, or the libraries cannot be had.
    """
    if libraries not in LIBRARIES:
        raise LocalAwsError(f"libraries is {libraries!r}, but it must be 'basic' or 'full'")
    if libraries == "basic":
        return python
    if python is not None:
        raise LocalAwsError(
            f"libraries is 'full' and sandbox_python is {str(python)!r}, but each names an "
            "interpreter; leave one of them out"
        )
    if (CHECKOUT / "requirements" / "libraries.txt").exists():
        return install_libraries(CHECKOUT)
    beside = Path(sys.prefix).parent / FULL_ENVIRONMENT / "bin" / "python"
    if not beside.exists():
        raise LocalAwsError(
            f"libraries is 'full', but there is no {beside}, which only a checkout of the project "
            "can install; pass sandbox_python, or leave both out and install what your programs "
            f"import into {sys.prefix}"
        )
    return beside


def install_libraries(checkout: Path) -> Path:
    """Install the libraries of the service into the checkout, unless they are there."""
    command = [sys.executable, str(checkout / "local" / "install.py"), "--libraries"]
    # Standard output has the variables to export.
    done = subprocess.run(command, stdout=2, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise LocalAwsError(done.stderr.strip().removeprefix("error: "))
    return checkout / FULL_ENVIRONMENT / "bin" / "python"
