"""Which Python runs Lambda functions."""

from __future__ import annotations

import importlib.util
import sys
import venv
from pathlib import Path

# What boto3 is made of. Lambda's runtime has no more than that and the standard library.
SDK = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


def find_lambda_python(directory: Path) -> Path:
    """The environment `.venv-lambda` beside the one that runs this, else one made in `directory`.

    The latter has the boto3 of this environment and nothing else of it, so that a function that
    imports what Lambda does not have fails here, too.
    """
    beside = Path(sys.prefix).parent / ".venv-lambda" / "bin" / "python"
    return beside if beside.exists() else make_lambda_environment(directory / "lambda-environment")


def make_lambda_environment(directory: Path) -> Path:
    """Its interpreter. The packages are links, which takes no time and no network."""
    venv.create(directory, symlinks=True)
    [packages] = directory.glob("lib/python3*/site-packages")
    for name in SDK:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            found = Path(spec.origin)
            source = found.parent if spec.submodule_search_locations else found
            (packages / source.name).symlink_to(source)
    return directory / "bin" / "python"
