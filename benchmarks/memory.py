"""The peak of the function's memory, however much it saves."""

from __future__ import annotations

from benchmarks.figures import Figure
from benchmarks.local_function import SHELL, local_function

COUNTS = (10, 100)  # files of 10 MB


def measure() -> list[Figure]:
    with local_function(tls=False) as function:
        few, many = (
            function.run("memory", "function", str(count), prefix=SHELL) for count in COUNTS
        )
        naive = function.run("memory", "naive", str(COUNTS[0]), prefix=SHELL)
    return [
        Figure(
            "peak memory, 100 MB and 1 GB of files",
            f"read through boto3 and put by boto3, 100 MB: {naive / 1e6:.0f} MB",
            f"{few / 1e6:.0f} MB and {many / 1e6:.0f} MB",
            "48 MB, flat",
        )
    ]
