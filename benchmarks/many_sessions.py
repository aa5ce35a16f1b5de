"""Many local sessions that start and are called at once; every call must succeed."""

from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor

import psutil
from botocore.config import Config

from benchmarks.figures import Figure
from benchmarks.sessions import execute, start, stop, timed
from local_aws import LocalAws

SESSIONS = 50
CALLS = 10  # per session


def measure() -> list[Figure]:
    seconds: list[float] = []
    identifiers: list[str] = []
    config = Config(
        max_pool_connections=SESSIONS, read_timeout=120, retries={"total_max_attempts": 1}
    )
    with LocalAws() as aws, ThreadPoolExecutor(SESSIONS) as pool:
        data = aws.client("bedrock-agentcore", config=config)

        def run_session(_: int) -> None:
            identifier = start(data)
            identifiers.append(identifier)
            for _ in range(CALLS):
                seconds.append(timed(lambda: execute(data, identifier, "x = 1")))

        list(pool.map(run_session, range(SESSIONS)))
        memory = sandbox_memory(aws) / SESSIONS / 1e6
        for identifier in identifiers:
            stop(data, identifier)
    slow, middle = p95(seconds), statistics.median(seconds)
    return [
        Figure(
            f"{SESSIONS} sessions, {len(seconds)} calls at once: p95 of a call against p50",
            "-",
            f"{slow / middle:.1f} ({slow * 1000:.0f} ms against {middle * 1000:.0f} ms)",
            "8",
        ),
        Figure("memory of a local session", "-", f"{memory:.0f} MB (proportional)", "-"),
    ]


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)]


def sandbox_memory(aws: LocalAws) -> int:
    """Return the bytes of all processes in sandboxes; what they share is divided among them."""
    sessions = aws.agentcore.state()["sessions"]
    processes = [process_id for session in sessions for process_id in session["processIds"]]
    return sum(psutil.Process(process_id).memory_full_info().pss for process_id in processes)
