"""The synthesis of a stack, against the same resources by hand; and the number of resources."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from functools import partial
from tempfile import TemporaryDirectory

from benchmarks.figures import PROJECT, Figure, in_turn, median, ratio

ROUNDS = 3


def measure() -> list[Figure]:
    sides = {name: partial(cpu_seconds, f"synth_{name}.py") for name in ("library", "native")}
    for side in sides.values():
        side()  # fills the caches of byte code and of jsii
    rounds = in_turn(sides, ROUNDS)
    return [
        Figure(
            "synth, CPU",
            "the same resources by hand with the native L2",
            f"{ratio(rounds, 'library', 'native'):.2f} "
            f"({median(rounds, 'library'):.1f} s against {median(rounds, 'native'):.1f} s)",
            "1.10",
        )
    ]


def cpu_seconds(program: str) -> float:
    """Return the seconds of CPU of the program and of its Node process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with TemporaryDirectory() as directory:
        subprocess.run(
            [sys.executable, PROJECT / "benchmarks" / "programs" / program],
            env={**os.environ, "CDK_OUTDIR": directory},
            cwd=PROJECT,
            capture_output=True,
            check=True,
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
