"""The stacks of the cloud assembly with which the CDK CLI worked last."""

from __future__ import annotations

import json
from pathlib import Path


def read_regions(assembly: str) -> dict[str, str | None]:
    """Return the region of each stack by its name; None is the region of the AWS profile."""
    manifest = json.loads((Path(assembly) / "manifest.json").read_text(encoding="utf-8"))
    regions = {
        name: artifact["environment"].rpartition("/")[2]
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    return {
        name: None if region == "unknown-region" else region for name, region in regions.items()
    }
