"""Find or make the Python environment for Lambda functions."""

from __future__ import annotations

import importlib.util
import sys
import venv
from pathlib import Path

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
