"""A warm request in a named session, against the two requests that it cannot do without."""

from __future__ import annotations

from benchmarks.figures import Figure, median, ratio
from benchmarks.local_function import local_function

ROUNDS = 200


def measure() -> list[Figure]:
    with local_function() as function:
        rounds = function.run("warm", "pass", str(ROUNDS), naive=True)
        own = function.run("own_work", "2000") * 1000
    return [
        Figure(
            'warm CPU, `execute_code("pass")` in a named session',
            "boto3's InvokeCodeInterpreter and ListObjectsV2, with the stream drained",
            f"{ratio(rounds, 'function', 'naive'):.2f} "
            f"({median(rounds, 'function') * 1000:.1f} ms "
            f"against {median(rounds, 'naive') * 1000:.1f} ms)",
            "1.10",
        ),
        Figure("its parsing, checks, log line and response, CPU", "-", f"{own:.2f} ms", "0.3 ms"),
    ]
