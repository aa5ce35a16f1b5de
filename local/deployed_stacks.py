"""The stacks of the cloud assembly with which the CDK CLI worked last."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def read_regions(assembly: str) -> dict[str, str | None]:
    """Return the region of each stack by its name; None is the region of the AWS profile."""
    regions = {
        name: artifact["environment"].rpartition("/")[2]
        for name, artifact in read_artifacts(assembly).items()
    }
    return {
        name: None if region == "unknown-region" else region for name, region in regions.items()
    }


def read_artifacts(assembly: str) -> dict[str, Any]:
    """Return the stacks of an assembly by their names."""
    manifest = json.loads((Path(assembly) / "manifest.json").read_text(encoding="utf-8"))
    return {
        name: artifact
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }


def read_profile() -> str | None:
    profile: str | None = read_options().profile
    return profile


def read_output() -> str:
    """Return the folder of the assembly."""
    output: str = read_options().output
    return output


def read_options() -> argparse.Namespace:
    """Return some of the CDK CLI's options, which this program gets, too."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--profile")
    parser.add_argument("-o", "--output", default="cdk.out")
    return parser.parse_known_args()[0]


def main() -> None:
    """Name the templates that `make synth` has written."""
    folder = read_output()
    for artifact in read_artifacts(folder).values():
        sys.stdout.write(f"wrote {Path(folder, artifact['properties']['templateFile'])}\n")


if __name__ == "__main__":
    main()
