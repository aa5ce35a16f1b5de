"""The demo, from its start to its end, after everything was installed."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.figures import PROJECT, Figure


def measure() -> list[Figure]:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "local_aws.demo"], cwd=PROJECT, capture_output=True, check=True
    )
    return [Figure("`make demo` after set-up", "-", f"{time.perf_counter() - began:.0f} s", "30 s")]
