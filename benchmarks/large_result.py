"""A result file of 10 MB, which the sandbox sends to S3 by itself."""

from __future__ import annotations

from benchmarks.figures import Figure, median, ratio
from benchmarks.local_function import local_function

ROUNDS = 11


def measure() -> list[Figure]:
    with local_function(tls=False) as function:
        rounds = function.run("warm", "file", str(ROUNDS))
    return [
        Figure(
            "function CPU for a 10 MB result file",
            "read through boto3 and put by boto3",
            f"{ratio(rounds, 'function', 'naive'):.3f} "
            f"({median(rounds, 'function') * 1000:.1f} ms "
            f"against {median(rounds, 'naive') * 1000:.0f} ms)",
            "0.03",
        )
    ]
