"""The start and the first call of a local session, against those of a bare kernel."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from benchmarks.figures import Figure, in_turn, median, ratio
from benchmarks.sessions import bare_kernel, execute, start, stop, timed
from local_aws import LocalAws

ROUNDS = 20


def measure() -> list[Figure]:
    with LocalAws() as aws:
        data = aws.client("bedrock-agentcore")
        start_and_call(data)  # the server's first session starts what the others share
        sides: dict[str, Callable[[], float]] = {
            "session": partial(start_and_call, data),
            "kernel": start_and_call_kernel,
        }
        rounds = in_turn(sides, ROUNDS)
    session, kernel = (median(rounds, name) * 1000 for name in sides)
    return [
        Figure(
            "local session start and first call",
            "jupyter_client that starts a kernel, and a first call",
            f"{ratio(rounds, 'session', 'kernel'):.2f} ({session:.0f} ms against {kernel:.0f} ms)",
            "0.5",
        )
    ]


def start_and_call(data: Any) -> float:
    """Return the seconds that it takes; stopping the session is not among them."""
    identifiers: list[str] = []

    def call() -> None:
        identifiers.append(start(data))
        execute(data, identifiers[0], "print(1)")

    seconds = timed(call)
    stop(data, identifiers[0])
    return seconds


def start_and_call_kernel() -> float:
    def call() -> None:
        kernel = kernels.enter_context(bare_kernel())
        kernel.execute("print(1)", reply=True, timeout=60)

    with ExitStack() as kernels:
        return timed(call)
