"""The record of everything that a run makes, written before it is made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from local_aws.interrupts import defer_interrupts

if TYPE_CHECKING:
    from pathlib import Path

# The name of the ledger's file in the folder of a run.
LEDGER = "made.json"

Kind = Literal[
    "session", "named session", "code interpreter", "objects", "stack", "code interpreters"
]


@dataclass(frozen=True)
class Made:
    """A thing in the account.

    `name` is known before the thing exists: the name of a sandbox, of a session, of a code
    interpreter or of a stack, or the beginning of the names of objects or of code interpreters.
    `place` is the id of the code interpreter of a sandbox, the function of a session, or the bucket
    of objects.
    """

    kind: Kind
    name: str
    place: str = ""

    def __str__(self) -> str:
        of = {"session": " of ", "named session": " of ", "objects": " in "}.get(self.kind, "")
        return f"{self.kind} {self.name}{of}{self.place if of else ''}"


class Ledger:
    """The things that exist, or may exist, in the account, oldest first; a file has them, too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._made: list[Made] = []
        if path.exists():
            self._made = [Made(**entry) for entry in json.loads(path.read_text())]

    def __iter__(self) -> Iterator[Made]:
        return iter(list(self._made))

    def record(self, made: Made) -> None:
        """Record a thing before it is made."""
        with defer_interrupts():
            self._made.append(made)
            self._write()

    def forget(self, made: Made) -> None:
        """Forget a thing after it has been removed."""
        with defer_interrupts():
            if made in self._made:
                self._made.remove(made)
                self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps([asdict(made) for made in self._made], indent=2) + "\n")
        new.replace(self._path)
