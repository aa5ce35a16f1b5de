"""Choose the experiments, and say before they run what they do and cost."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from verify import costs
from verify.table import EXPERIMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from verify.context import Context
    from verify.experiment import Experiment

# The most that a stack takes to deploy and to remove.
STACK_MINUTES = {
    "Permissions": 10,
    "Mounts": 15,
    "Function": 15,
    "FunctionInVpc": 55,
    "Gateway": 10,
    "Sealed": 15,
}


class PlanError(Exception):
    """The experiments cannot be run as asked; the message says what to change."""


def choose(only: str) -> Sequence[Experiment]:
    """Return the experiments with the names in `only`, separated by commas or blanks, or all.

    :raises PlanError: if there is none with one of the names.
    """
    names = only.replace(",", " ").split()
    known = [experiment.name for experiment in EXPERIMENTS]
    for name in names:
        if name not in known:
            [near] = difflib.get_close_matches(name, known, n=1, cutoff=0)
            raise PlanError(
                f"ONLY has {name!r}, which is no experiment; did you mean {near}? "
                "LIST=1 lists them all"
            )
    return [experiment for experiment in EXPERIMENTS if not names or experiment.name in names]


def listing(experiments: Sequence[Experiment]) -> str:
    """Return one line for each experiment."""
    width = max(len(experiment.name) for experiment in experiments)
    return "\n".join(
        f"{experiment.name:<{width}}  {experiment.question}" for experiment in experiments
    )


def announcement(context: Context, experiments: Sequence[Experiment]) -> str:
    """Return what the run will do, and the most that it will cost."""
    tried = [experiment for experiment in experiments if runs(context, experiment)]
    stacks = sorted({experiment.stack for experiment in tried if experiment.stack})
    minutes = sum(experiment.minutes for experiment in tried)
    minutes += sum(STACK_MINUTES[stack] for stack in stacks)
    where = "the local AWS" if context.local else f"the account {context.account}"
    lines = [
        f"make verify runs {count(experiments)} with the stack {context.stack} in "
        f"{where}, {context.region}.",
        "It starts sandboxes, creates code interpreters, and writes files of sessions that begin",
        "with verify_ into the workspace. It changes nothing else of the stack, and removes all",
        "that it makes. The function keeps its records of requests, as of every session.",
        f"Stacks of its own: {', '.join(stacks) or 'none'}.",
        f"At most it takes {minutes:.0f} minutes and costs {costs.most(tried):.2f} USD"
        f"{', if this were an account' if context.local else ''}.",
        "",
        listing(experiments),
        "",
    ]
    return "\n".join(lines)


def count(experiments: Sequence[Experiment]) -> str:
    return f"{len(experiments)} experiment{'' if len(experiments) == 1 else 's'}"


def runs(context: Context, experiment: Experiment) -> bool:
    """Tell whether the experiment is tried here."""
    return not (context.local and experiment.not_local)
