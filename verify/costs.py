"""The cost of a run: an estimate from times and from published prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from verify.experiment import Experiment

# USD in us-east-1. AgentCore's pricing page: per vCPU-hour and per GB-hour. A sandbox has 2 vCPU
# and 8 GB, and is charged for the part that it uses.
VCPU_HOUR = 0.0895
GB_HOUR = 0.00945
SANDBOX_HOUR = 2 * VCPU_HOUR + 8 * GB_HOUR
# Lambda's pricing page, arm64: per GB-second, for the function's 256 MiB.
FUNCTION_HOUR = 0.0000133334 * 0.25 * 3600
# Requests of all kinds, and the storage of an hour.
REQUESTS = 0.01


def most(experiments: Iterable[Experiment]) -> float:
    """Return the most that the experiments can cost, if each sandbox is busy all the time."""
    return REQUESTS + sum(
        estimate(experiment, experiment.minutes * 60) for experiment in experiments
    )


def estimate(experiment: Experiment, seconds: float) -> float:
    """Return the cost of an experiment that took some seconds, with its sandboxes busy."""
    hours = seconds / 3600
    return hours * (experiment.sandboxes * SANDBOX_HOUR + FUNCTION_HOUR) + experiment.dollars
