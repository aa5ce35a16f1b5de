from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.project import PROJECT

Synthesise = Callable[..., Path]


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory: pytest.TempPathFactory) -> Synthesise:
    """Return a function that runs an app as the CDK CLI does and returns its cloud assembly.

    The context has the values of `cdk -c name=value`.
    """

    def synthesise(app: str, context: dict[str, str] | None = None) -> Path:
        assembly = tmp_path_factory.mktemp(Path(app).stem)
        flags = json.loads((PROJECT / "cdk.json").read_text())["context"]
        subprocess.run(
            [sys.executable, app],
            cwd=PROJECT,
            env={
                **os.environ,
                # `test_examples.py` has CDK validate all templates at once; it takes some seconds.
                "CDK_VALIDATION": "false",
                "CDK_OUTDIR": str(assembly),
                "CDK_CONTEXT_JSON": json.dumps({**flags, **(context or {})}),
            },
            check=True,
        )
        return assembly

    return synthesise
