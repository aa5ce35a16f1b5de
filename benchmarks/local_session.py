"""Measure the start and the first call of a local session beside those of a bare kernel."""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any, NamedTuple

from benchmarks.sessions import bare_kernel, execute, milliseconds, start, stop
from local_aws import LocalAws

ROUNDS = 20


class Round(NamedTuple):
    """Seconds of one round, in which the two sides follow each other."""

    local_aws: float
    jupyter_client: float


def measure(rounds: int = ROUNDS) -> list[Round]:
    with LocalAws() as aws:
        data = aws.client("bedrock-agentcore")
        start_and_call(data)  # the server's first session starts what the others share
        return [Round(start_and_call(data), start_and_call_kernel()) for _ in range(rounds)]


def start_and_call(data: Any) -> float:
    began = time.perf_counter()
    identifier = start(data)
    execute(data, identifier, "print(1)")
    seconds = time.perf_counter() - began
    stop(data, identifier)
    return seconds


def start_and_call_kernel() -> float:
    began = time.perf_counter()
    with bare_kernel() as kernel:
        kernel.execute("print(1)", reply=True, timeout=60)
        return time.perf_counter() - began


def ratio(rounds: list[Round]) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(ours / theirs for ours, theirs in rounds)


def main() -> None:
    rounds = measure()
    for name, seconds in zip(Round._fields, zip(*rounds, strict=True), strict=True):
        sys.stdout.write(f"start and first call, {name:<23}{milliseconds(seconds)}\n")
    sys.stdout.write(f"{'ratio':<45}{ratio(rounds):.2f}\n")


if __name__ == "__main__":
    main()
