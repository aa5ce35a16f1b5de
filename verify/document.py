"""The table of `docs/unknowns.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.table import EXPERIMENTS

if TYPE_CHECKING:
    from verify.experiment import Experiment

BEGIN = "<!-- experiments -->\n"
END = "<!-- /experiments -->\n"
HEAD = "| experiment | question | how it is settled | the emulator | needs | at most |\n"
LINE = "|---|---|---|---|---|---|\n"


def table() -> str:
    """Return the table with one row for each experiment."""
    return HEAD + LINE + "".join(row(experiment) for experiment in EXPERIMENTS)


def row(experiment: Experiment) -> str:
    emulator = f"`{experiment.assumption}`" if experiment.setting else experiment.emulator
    needs = [f"the stack {experiment.stack}"] if experiment.stack else []
    needs += ["an account"] if experiment.not_local else []
    cells = (
        f"`{experiment.name}`",
        experiment.question,
        experiment.method,
        emulator,
        ", ".join(needs) or "nothing more",
        f"{experiment.minutes:g} min",
    )
    return f"| {' | '.join(cells)} |\n"


def updated(text: str) -> str:
    """Return the document with the table of today."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"
