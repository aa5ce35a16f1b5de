"""Run experiments one after another, and clean up after them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from verify.experiment import NotTriedError, not_tried
from verify.interrupts import Interrupted
from verify.plan import runs
from verify.removal import RemovalError
from verify.report import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from verify.context import Context
    from verify.experiment import Experiment, Finding
    from verify.ledger import Made


class Run:
    """One run of some experiments.

    :param show: Called with each line for the user.
    """

    def __init__(
        self, context: Context, experiments: Sequence[Experiment], show: Callable[[str], None]
    ) -> None:
        self._context = context
        self._experiments = experiments
        self._show = show
        self.results: list[Result] = []
        self.is_interrupted = False
        self._began_at = time.monotonic()

    def run(self) -> None:
        """Run the experiments until the first interrupt; the others could not be tried."""
        try:
            for number, experiment in enumerate(self._experiments):
                self._began_at = time.monotonic()
                finding = self._try(experiment)
                self._add(experiment, finding)
                self._remove_stack_of(experiment, self._experiments[number + 1 :])
        except Interrupted:
            self.is_interrupted = True
            reason = "interrupted"
            for experiment in self._experiments[len(self.results) :]:
                self._add(experiment, not_tried(reason))
                self._began_at = time.monotonic()
                reason = "the run was interrupted before it"

    def _try(self, experiment: Experiment) -> Finding:
        if self._context.local and experiment.not_local:
            return not_tried(experiment.not_local)
        self._show(f"... {experiment.name}: {experiment.method}")
        try:
            return experiment.settle(experiment.run(self._context))
        except NotTriedError as error:
            return not_tried(str(error))
        except Exception as error:  # it must not end the other experiments
            return not_tried(f"it failed: {type(error).__name__}: {error}")

    def _remove_stack_of(self, experiment: Experiment, later: Sequence[Experiment]) -> None:
        """Remove the stack of an experiment that no later one needs; it may cost by the hour."""
        if experiment.stack and all(other.stack != experiment.stack for other in later):
            try:
                self._context.deployments.remove(experiment.stack)
            except RemovalError as error:
                self._show(f"    the stack {experiment.stack} stays for now: {error}")

    def _add(self, experiment: Experiment, finding: Finding) -> None:
        took = time.monotonic() - self._began_at if runs(self._context, experiment) else 0
        self.results.append(Result(experiment, finding, took))
        self._show(f"    {experiment.name}: {finding.outcome}")


def clean_up(context: Context, show: Callable[[str], None]) -> list[str]:
    """Remove all that the ledger has, newest first, and return what is left behind."""
    left = []
    for made in reversed(list(context.ledger)):
        show(f"removing the {made}")
        problem = failure_to_remove(context, made)
        if problem:
            left.append(f"  {made}: {problem}")
    return left


def failure_to_remove(context: Context, made: Made) -> str | None:
    try:
        context.remove(made)
    except Exception as error:  # it must not keep the other things from being removed
        return f"{type(error).__name__}: {error}"
    return None
