"""Measure the first request of a new session with and without the warm spare, in turn.

Both sides go through the deployed function in the local AWS, whose sandboxes start as slowly as the
service's: pass the seconds, from the figures that users have published (1.2 to 2.3).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from local_aws import LocalAws
from tests.e2e.deploy.deployment import Deployment, synthesise_project

ACCOUNT = "000000000000"
ROUNDS = 11
START_SECONDS = 1.7


class Round(NamedTuple):
    """Seconds of one round, in which the sides follow each other; `warm` is a second request."""

    with_spare: float
    without: float
    warm: float


@contextmanager
def deployment(start_seconds: float) -> Iterator[Deployment]:
    """Deploy the project's stack with a warm spare, where sandboxes start after so many seconds."""
    with LocalAws() as aws, TemporaryDirectory() as directory:
        deployed = Deployment(aws, ACCOUNT)
        deployed.deploy(synthesise_project(Path(directory), {"warm-spare": True}))
        aws.agentcore.inject_fault(
            kind="slow",
            operation="StartCodeInterpreterSession",
            seconds=start_seconds,
            count=None,
        )
        yield deployed


def replenish(deployed: Deployment) -> None:
    """Send the schedule's event, as the schedule does every minute."""
    scheduler = deployed.client("scheduler")
    [schedule] = scheduler.list_schedules()["Schedules"]
    target = scheduler.get_schedule(Name=schedule["Name"])["Target"]
    response = deployed.client("lambda").invoke(
        FunctionName=target["Arn"], Payload=target["Input"].encode()
    )
    assert json.load(response["Payload"]) == {"status": "ok"}


def request(deployed: Deployment, function: str, session: str) -> float:
    event = {"tool": "execute_code", "session": session, "code": "print(1)"}
    began = time.perf_counter()
    response = deployed.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    seconds = time.perf_counter() - began
    assert json.load(response["Payload"])["stdout"] == "1"
    return seconds


def measure(rounds: int = ROUNDS, start_seconds: float = START_SECONDS) -> list[Round]:
    """Measure rounds; the second new session of each finds the spare taken."""
    names = (f"session-{number}" for number in count())
    with deployment(start_seconds) as deployed:
        function = deployed.outputs()["InvokeFunctionName"]
        replenish(deployed)
        request(deployed, function, next(names))  # the function's process starts
        found = []
        for _ in range(rounds):
            replenish(deployed)
            with_spare = request(deployed, function, name := next(names))
            without = request(deployed, function, next(names))
            found.append(Round(with_spare, without, request(deployed, function, name)))
        return found


def summary(seconds: Sequence[float]) -> str:
    slow = sorted(seconds)[int(len(seconds) * 0.95)]
    return f"p50 {statistics.median(seconds) * 1000:.0f} ms, p95 {slow * 1000:.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--start-seconds", type=float, default=START_SECONDS)
    options = parser.parse_args()
    rounds = measure(options.rounds, options.start_seconds)
    for name, seconds in zip(Round._fields, zip(*rounds, strict=True), strict=True):
        sys.stdout.write(f"{name:<15}{summary(seconds)}\n")
    ratio = statistics.median(one.without / one.with_spare for one in rounds)
    sys.stdout.write(f"{'ratio':<15}{ratio:.1f}\n")


if __name__ == "__main__":
    main()
