"""Figures that are the same on every machine: calls, bytes and resources.

`tests/integration/invoke/test_costs.py` holds them in `make test`.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

from benchmarks.figures import PROJECT, Figure
from benchmarks.local_function import local_function

ASSETS = ("invoke", "control")
MAX_ASSET_BYTES = 150_000
MAX_RESOURCES = 14
# The app with its default settings; `make golden` writes it.
TEMPLATE = PROJECT / "tests" / "golden" / "templates" / "app" / "sandbox.json"


def measure() -> list[Figure]:
    with local_function() as function:
        calls = function.run("calls")
    agentcore, s3 = calls["agentcore"], calls["s3"]
    sizes = {name: zipped_bytes(PROJECT / "lambda" / name) for name in ASSETS}
    shown = ", ".join(f"{name} {size / 1000:.0f} KB" for name, size in sizes.items())
    return [
        Figure("AgentCore calls (S3 calls) per warm request", "-", f"{agentcore} ({s3})", "1 (1)"),
        Figure("asset size, zipped", "vendored boto3: 16.6 MB", shown, "150 KB"),
        Figure("resources in the default stack", "-", str(resources()), str(MAX_RESOURCES)),
    ]


def zipped_bytes(folder: Path) -> int:
    """Return the size of an asset, in which there is no byte code."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(folder))
    return len(file.getvalue())


def resources() -> int:
    """Return the number of resources in the template of the app without settings."""
    template = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    return sum(len(stack["Resources"]) for stack in template.values())
