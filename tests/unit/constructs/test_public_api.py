"""How the library is found and what it exports."""

from __future__ import annotations

import subprocess
import sys

import cdk_code_interpreter
from tests.project import PROJECT


def test_the_source_root_is_not_a_package() -> None:
    """With an `__init__.py` it would hide the `constructs` that aws-cdk-lib is made of."""
    assert not (PROJECT / "constructs" / "__init__.py").exists()


def test_constructs_is_the_published_one_even_from_the_project_folder() -> None:
    code = "import constructs; print(constructs.Construct.__jsii_type__)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "constructs.Construct"


def test_everything_exported_exists_and_is_documented() -> None:
    for name in cdk_code_interpreter.__all__:
        assert getattr(cdk_code_interpreter, name).__doc__, name


def test_importing_it_needs_no_sdk() -> None:
    code = (
        "import sys, cdk_code_interpreter;"
        "print([m for m in sys.modules if m.split('.')[0] in ('boto3', 'botocore', 'cdk_nag')])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
