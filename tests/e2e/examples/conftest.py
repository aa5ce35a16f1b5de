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
    """Runs an app of the checkout as the CDK CLI does; the cloud assembly that it writes.

    What is given by name is what `cdk -c name=value` gives.
    """

    def synthesise(app: str, context: dict[str, str] | None = None) -> Path:
        assembly = tmp_path_factory.mktemp(Path(app).stem)
        flags = json.loads((PROJECT / "cdk.json").read_text())["context"]
        subprocess.run(
            [sys.executable, app],
            cwd=PROJECT,
            env={
                **os.environ,
                "CDK_OUTDIR": str(assembly),
                "CDK_CONTEXT_JSON": json.dumps({**flags, **(context or {})}),
            },
            check=True,
        )
        return assembly

    return synthesise
