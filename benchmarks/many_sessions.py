"""Measure many local sessions that start and are called at once; every call must succeed."""

from __future__ import annotations

import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psutil
from botocore.config import Config

from benchmarks.sessions import execute, milliseconds, p95, start, stop, timed
from local_aws import LocalAws

SESSIONS = 50
CALLS = 10  # per session


@dataclass
class Measured:
    """Times are seconds."""

    total: float = 0.0
    starts: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    memory_of_a_session: float = 0.0
    """Bytes: the proportional set size of all processes, divided by the sessions."""


def measure() -> Measured:
    measured = Measured()
    identifiers: list[str] = []
    config = Config(
        max_pool_connections=SESSIONS, read_timeout=120, retries={"total_max_attempts": 1}
    )
    with LocalAws() as aws, ThreadPoolExecutor(SESSIONS) as pool:
        data = aws.client("bedrock-agentcore", config=config)

        def run_session(_: int) -> None:
            began = time.perf_counter()
            identifier = start(data)
            measured.starts.append(time.perf_counter() - began)
            identifiers.append(identifier)
            for _ in range(CALLS):
                measured.calls.append(timed(lambda: execute(data, identifier, "x = 1")))

        began = time.perf_counter()
        list(pool.map(run_session, range(SESSIONS)))
        measured.total = time.perf_counter() - began
        measured.memory_of_a_session = sandbox_memory(aws) / SESSIONS
        for identifier in identifiers:
            stop(data, identifier)
    return measured


def sandbox_memory(aws: LocalAws) -> int:
    sessions = aws.agentcore.state()["sessions"]
    processes = [process_id for session in sessions for process_id in session["processIds"]]
    return sum(psutil.Process(process_id).memory_full_info().pss for process_id in processes)


def ratio(calls: list[float]) -> float:
    """Return how many times as long as half of the calls at most 5 % of them take."""
    return p95(calls) / statistics.median(calls)


def main() -> None:
    measured = measure()
    heading = f"{SESSIONS} sessions, {len(measured.calls)} calls, all at once"
    memory = f"{measured.memory_of_a_session / 1e6:.0f} MB (proportional set size)"
    for name, figure in (
        (heading, f"{measured.total:.1f} s, no error"),
        ("start of a session", milliseconds(measured.starts)),
        ("call", milliseconds(measured.calls)),
        ("p95 of a call against p50", f"{ratio(measured.calls):.1f}"),
        ("memory of a session", memory),
    ):
        sys.stdout.write(f"{name:<45}{figure}\n")


if __name__ == "__main__":
    main()
