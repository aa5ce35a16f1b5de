"""Measure the first request of a new session with and without the warm spare, in turn.

Both sides go through the deployed function in the local AWS, whose sandboxes start as slowly as the
service's: users have published 1.2 to 2.3 seconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, median, ratio
from local_aws import LocalAws
from tests.e2e.deploy.deployment import Deployment, synthesise_project

ACCOUNT = "000000000000"
ROUNDS = 11
START_SECONDS = 1.7


@contextmanager
def deployment() -> Iterator[Deployment]:
    """Deploy the project's stack with a warm spare, where sandboxes start as slowly as AWS's."""
    with LocalAws() as aws, TemporaryDirectory() as directory:
        deployed = Deployment(aws, ACCOUNT)
        deployed.deploy(synthesise_project(Path(directory), {"warm-spare": True}))
        aws.agentcore.inject_fault(
            kind="slow",
            operation="StartCodeInterpreterSession",
            seconds=START_SECONDS,
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


def measure() -> list[Figure]:
    """Measure rounds; the second new session of each finds the spare taken."""
    names = (f"session-{number}" for number in count())
    with deployment() as deployed:
        function = deployed.outputs()["InvokeFunctionName"]
        replenish(deployed)
        request(deployed, function, next(names))  # the function's process starts
        rounds = []
        for _ in range(ROUNDS):
            replenish(deployed)
            with_spare = request(deployed, function, name := next(names))
            without = request(deployed, function, next(names))
            warm = request(deployed, function, name)
            rounds.append({"with": with_spare, "without": without, "warm": warm})
    shown = {side: f"{median(rounds, side) * 1000:.0f} ms" for side in rounds[0]}
    return [
        Figure(
            "first call of a new session, with the warm spare",
            f"without it, where a sandbox starts in {START_SECONDS} s",
            f"{ratio(rounds, 'with', 'without'):.2f} ({shown['with']} against {shown['without']}; "
            f"a second call {shown['warm']})",
            "-",
        )
    ]
