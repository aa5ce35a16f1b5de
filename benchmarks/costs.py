"""Compute what calls cost, from prices that can be given as arguments.

    python -m benchmarks.costs --vcpu-hour 0.0895 --gb-hour 0.00945

It prints the tables of docs/costs.md. They are arithmetic on list prices, not a bill.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

CALLS = 1_000
HOUR = 3_600
MONTH_HOURS = 730
MEBIBYTES = (128, 256, 512, 1_024)
DEFAULT_MEBIBYTES = 256


@dataclass(frozen=True)
class Prices:
    """List prices in USD, us-east-1, without free tiers, as published in November 2026."""

    vcpu_hour: float = 0.0895
    """AgentCore, a vCPU while it works; waiting is free."""
    gb_hour: float = 0.00945
    """AgentCore, a GB of memory at its peak, from a session's start to its end."""
    lambda_gb_second: float = 0.0000133334
    """Lambda on arm64."""
    lambda_request: float = 0.20 / 1e6
    s3_write: float = 0.005 / 1_000
    """A PUT or a LIST."""
    s3_read: float = 0.0004 / 1_000
    log_gb: float = 0.50
    schedule: float = 1.00 / 1e6
    """An invocation of EventBridge Scheduler."""
    alarm_month: float = 0.10
    metric_month: float = 0.30
    dashboard_month: float = 3.00
    key_month: float = 1.00
    """A customer-managed KMS key."""
    key_requests: float = 0.03 / 10_000


@dataclass(frozen=True)
class Call:
    """One kind of call: the requests to S3, and the seconds for which the function waits."""

    name: str
    seconds: float
    s3_writes: int
    s3_reads: int
    sandbox_seconds: float
    """Of memory that this call adds; a session that goes on is counted by its life."""


# Assumptions. A run is one second of one vCPU, and a sandbox has 1 GB at its peak.
RUN = 1.0
GB = 1.0
# A sandbox lives so much longer than what runs in it, for its start and its end.
START_AND_STOP = 1.0
# Seconds that a request waits for a start (users have published 1.2 to 2.3) and for S3.
START_SECONDS = 1.7
REQUEST_SECONDS = 0.1
# Bytes of the function's line and of Lambda's own lines about a request.
LOG_BYTES = 1_200
# A run of the upkeep that finds nothing to do, and the start of a spare.
UPKEEP_SECONDS = 0.2
SPARE_START_SECONDS = 3.0
SWEEPS_AN_HOUR = 12
SPARE_RUNS_AN_HOUR = 60
# A spare that nobody takes is replaced every 3 minutes at a session timeout of 15 minutes.
SPARE_STARTS_AN_HOUR = 20

WARM = Call("warm, in a session with a name", RUN + REQUEST_SECONDS, 1, 0, RUN)
KEYED = Call("the same, with an idempotency key", RUN + REQUEST_SECONDS, 3, 1, RUN)
FIRST = Call(
    "the first of a session, without the spare", RUN + REQUEST_SECONDS + START_SECONDS, 3, 1, RUN
)
SPARED = Call("the first of a session, with the spare", RUN + REQUEST_SECONDS, 4, 2, RUN)
TEMPORARY = Call(
    "without a session, stopped at once",
    RUN + REQUEST_SECONDS + START_SECONDS,
    0,
    0,
    RUN + START_AND_STOP,
)
KINDS = (WARM, KEYED, FIRST, SPARED, TEMPORARY)


def function(prices: Prices, seconds: float, mebibytes: float = DEFAULT_MEBIBYTES) -> float:
    """Return the price of one invocation."""
    return seconds * mebibytes / 1_024 * prices.lambda_gb_second + prices.lambda_request


def sandbox(prices: Prices, busy: float, life: float) -> float:
    """Return the price of a sandbox that lives for some seconds and works for some of them."""
    return (busy * prices.vcpu_hour + life * GB * prices.gb_hour) / HOUR


def logs(prices: Prices) -> float:
    """Return the price of one request's log lines."""
    return LOG_BYTES / 1e9 * prices.log_gb


def waiting(prices: Prices) -> str:
    rows = [
        [f"{seconds} s", *(money(CALLS * function(prices, seconds, size)) for size in MEBIBYTES)]
        for seconds in (1, 10, 60, 300, 900)
    ]
    return table(["program", *(f"{size} MiB" for size in MEBIBYTES)], rows)


def lives(prices: Prices) -> str:
    rows = []
    for busy in (1, 5, 30, 300):
        at_once = sandbox(prices, busy, busy + START_AND_STOP)
        left = sandbox(prices, busy, 900)
        ratio = f"{left / at_once:.0f}" if left / at_once >= 10 else f"{left / at_once:.1f}"
        rows.append([f"{busy} s", money(CALLS * at_once), money(CALLS * left), f"{ratio} times"])
    return table(["run", "stopped at once", "left to its 900 s", "ratio"], rows)


def sessions(prices: Prices) -> str:
    """Return the price of sessions of 10 runs in 5 minutes, by what ends them."""
    used, runs = 300, 10
    rows = []
    for timeout in (900, 3_600, 28_800):
        row = [f"{timeout:,} s", money(CALLS * sandbox(prices, runs * RUN, timeout))]
        for limit in (1_800, 300):
            # The sweeper looks every 5 minutes: half of that later, on average.
            life = min(used + limit + HOUR / SWEEPS_AN_HOUR / 2, timeout)
            row.append(money(CALLS * sandbox(prices, runs * RUN, life)))
        rows.append([*row, money(CALLS * sandbox(prices, runs * RUN, used))])
    return table(
        [
            "session timeout",
            "left to its timeout",
            "idle limit 30 min",
            "idle limit 5 min",
            "`stop_session`",
        ],
        rows,
    )


def calls(prices: Prices) -> str:
    rows = []
    for call in KINDS:
        parts = [
            function(prices, call.seconds),
            sandbox(prices, RUN, call.sandbox_seconds),
            call.s3_writes * prices.s3_write + call.s3_reads * prices.s3_read,
            logs(prices),
        ]
        rows.append([call.name, *(money(CALLS * part) for part in [*parts, sum(parts)])])
    return table(["call", "function", "sandbox", "S3", "logs", "sum"], rows)


def upkeep(prices: Prices, runs: float, reads: int, lists: int) -> float:
    """Return the price of so many runs that find nothing to do."""
    requests = reads * prices.s3_read + lists * prices.s3_write
    each = prices.schedule + function(prices, UPKEEP_SECONDS) + requests + logs(prices)
    return runs * each


def options(prices: Prices) -> str:
    spare = sandbox(prices, 0, MONTH_HOURS * HOUR)
    starts = SPARE_STARTS_AN_HOUR * MONTH_HOURS
    # The start takes some CPU, and writes the spare's record twice and the claim of the earlier.
    each = sandbox(prices, RUN, 0) + function(prices, SPARE_START_SECONDS) + 3 * prices.s3_write
    rows = [
        [
            "sweeper (`idle-limit-seconds`)",
            money(upkeep(prices, SWEEPS_AN_HOUR * MONTH_HOURS, 0, 1)),
        ],
        ["warm spare: the sandbox", money(spare)],
        [
            "warm spare: its replacement every 3 minutes, while nobody takes it",
            money(starts * each),
        ],
        [
            "warm spare: the schedule",
            money(upkeep(prices, SPARE_RUNS_AN_HOUR * MONTH_HOURS, 2, 0)),
        ],
        ["an alarm", money(prices.alarm_month)],
        ["the dashboard", money(prices.dashboard_month)],
        ["a metric, if every hour has it", money(prices.metric_month)],
        ["a KMS key", money(prices.key_month)],
        ["1,000 requests to a KMS key", money(1_000 * prices.key_requests)],
    ]
    return table(["option", "USD a month"], rows)


def money(usd: float) -> str:
    return f"{usd:.4f}" if usd < 1 else f"{usd:.2f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


TABLES = {
    "calls": calls,
    "waiting": waiting,
    "lives": lives,
    "sessions": sessions,
    "options": options,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for field in fields(Prices):
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, type=float, default=field.default)
    prices = Prices(**vars(parser.parse_args()))
    for name, of in TABLES.items():
        sys.stdout.write(f"<!-- {name} -->\n{of(prices)}\n\n")


if __name__ == "__main__":
    main()
