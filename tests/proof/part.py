"""A claim, and the figures that a proof of it yields."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Part:
    """A claim that `make prove` proves.

    :ivar figures: Names and values, in the order in which they are printed.
    :ivar tables: Lines of Markdown for `docs/proof.md`.
    :ivar failures: A sentence for each thing that contradicts the claim.
    """

    title: str
    claim: str
    figures: dict[str, int] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add_table(
        self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> None:
        self.tables += [
            f"### {title}",
            "",
            f"| {' | '.join(columns)} |",
            "|---" * len(columns) + "|",
        ]
        self.tables += [f"| {' | '.join(map(cell, row))} |" for row in rows]
        self.tables.append("")


def cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


@contextmanager
def without_log() -> Iterator[None]:
    """Leave out the function's log lines, of which there are thousands."""
    logger = logging.getLogger("code_interpreter_invoke")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
