"""The figures, and the table of them in `docs/performance.md`."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parent.parent
DOCUMENT = PROJECT / "docs" / "performance.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
HEAD = ("| figure | against, in the same run | measured | at most |", "|---|---|---|---|")


class Figure(NamedTuple):
    """One row of the table. `measured` begins with the number that `at_most` limits."""

    name: str
    against: str
    measured: str
    at_most: str

    @property
    def row(self) -> str:
        return f"| {self.name} | {self.against} | {self.measured} | {self.at_most} |"


def in_turn(sides: Mapping[str, Callable[[], float]], rounds: int) -> list[dict[str, float]]:
    """Measure each side once in every round, in changing order: a machine is never as it was."""
    result = []
    for number in range(rounds):
        order = list(sides) if number % 2 else list(sides)[::-1]
        result.append({name: sides[name]() for name in order})
    return result


def ratio(rounds: Sequence[Mapping[str, float]], name: str, other: str) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(found[name] / found[other] for found in rounds)


def median(rounds: Sequence[Mapping[str, float]], name: str) -> float:
    return statistics.median(found[name] for found in rounds)


def write(figures: Sequence[Figure], machine: str) -> None:
    """Write the figures into the document; those that were not measured stay as they are."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    rows = {name_of(line): line for line in table.splitlines() if line.startswith("| ")}
    rows.pop(name_of(HEAD[0]), None)
    rows |= {figure.name: figure.row for figure in figures}
    body = "\n".join(["", machine, "", *HEAD, *rows.values(), ""])
    DOCUMENT.write_text(f"{before}{BEGIN}{body}{END}{after}", encoding="utf-8")


def name_of(row: str) -> str:
    return row.split(" | ")[0].removeprefix("| ")
