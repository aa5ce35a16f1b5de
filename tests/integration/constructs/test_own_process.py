"""The library in a process of its own: the packages that it imports, and its templates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import PROJECT
from tests.unit.constructs.everything import synthesise_all

# The modules of the default stack, and those that these import themselves.
DEFAULT_MODULES = frozenset(
    {
        "aws_applicationautoscaling",
        "aws_bedrockagentcore",
        "aws_ec2",
        "aws_ecr_assets",
        "aws_events",
        "aws_iam",
        "aws_kms",
        "aws_lambda",
        "aws_logs",
        "aws_s3",
        "aws_s3_assets",
        "aws_secretsmanager",
    }
)


def test_imports_load_the_modules_of_the_default_stack_alone_and_no_sdk() -> None:
    """Each further module of the CDK costs 5 to 70 ms of CPU in every synthesis.

    The package `constructs` is the published package, though the project has such a folder.

    A construct that few apps use imports late: see `LateModule`, and `__getattr__` of the package.
    The app's own settings name file systems, whose module it imports at once.
    """
    code = (
        "import json, sys\n"
        "def loaded():\n"
        "    return [name[8:] for name in sys.modules if name.startswith('aws_cdk.aws_')"
        " and name.count('.') == 1]\n"
        "import constructs; assert constructs.Construct.__jsii_type__ == 'constructs.Construct'\n"
        "import cdk_code_interpreter; library = loaded()\n"
        "sdks = sorted({'boto3', 'botocore', 'cdk_nag'} & sys.modules.keys())\n"
        "import app; print(json.dumps({'library': library, 'app': loaded(), 'sdks': sdks}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    found = {name: set(modules) for name, modules in json.loads(result.stdout).items()}
    expected = {"library": DEFAULT_MODULES, "app": DEFAULT_MODULES | {"aws_efs"}, "sdks": set()}
    assert {name: sorted(found[name] - expected[name]) for name in found} == {
        "library": [],
        "app": [],
        "sdks": [],
    }


@pytest.mark.slow  # the golden templates were written by other processes, too
def test_another_process_synthesises_the_same_templates(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The process has another folder, another time zone and another order of hashes."""
    code = (
        "import json, pathlib, tests.unit.constructs.everything as library;"
        "print(json.dumps(library.synthesise_all(pathlib.Path('out'))))"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": os.environ["JSII_RUNTIME_PACKAGE_CACHE_ROOT"],
        "PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path]),
        "PYTHONHASHSEED": "1",
        "TZ": "Pacific/Kiritimati",
    }
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert json.loads(result.stdout) == synthesise_all(tmp_path_factory.mktemp("here"))
