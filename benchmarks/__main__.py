"""Measure what the project costs beside what a user would write instead: `make bench`.

Each module measures some rows of the table in `docs/performance.md`. Without names of modules, all
are measured.
"""

from __future__ import annotations

import platform
import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.figures import Figure, write

# In the order of the table. A module has `measure() -> list[Figure]`.
MODULES = (
    "cold",
    "warm",
    "counts",
    "large_result",
    "memory",
    "synth",
    "local_session",
    "many_sessions",
    "local_call",
    "warm_spare",
    "demo",
)


def main(names: list[str]) -> None:
    unknown = set(names) - set(MODULES)
    if unknown:
        raise SystemExit(
            f"error: FIGURES has {', '.join(sorted(unknown))}, but it must be some of "
            f"{', '.join(MODULES)}"
        )
    print(machine())
    for name in names or MODULES:
        figures: list[Figure] = import_module(f"benchmarks.{name}").measure()
        for figure in figures:
            print(f"{figure.name}: {figure.measured}; at most {figure.at_most}", flush=True)
        write(figures, machine())


def machine() -> str:
    """Describe the machine and the versions, on which the times depend."""
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {psutil.cpu_count()} cores ({cpu()}), "
        f"{platform.system()} {platform.release()}, load {psutil.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, boto3 {version('boto3')}, "
        f"aws-cdk-lib {version('aws-cdk-lib')}."
    )


def cpu() -> str:
    """Return the processor's name, where Linux tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    main(sys.argv[1:])
