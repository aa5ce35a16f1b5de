"""An account in the place of a real one, for the parts of `make verify` that need none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verify.experiment import Experiment, Finding, StackKind, holds
from verify.ledger import Ledger, Made

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from verify.context import Context


class FakeDeployments:
    """The names of the stacks that were removed."""

    def __init__(self) -> None:
        self.removed: list[StackKind] = []

    def remove(self, kind: StackKind) -> None:
        self.removed.append(kind)


class FakeContext:
    """A context that removes things from its ledger alone.

    :param broken: The names of things that cannot be removed.
    """

    local: object | None = None
    region = "eu-west-1"
    account = "111122223333"
    stack = "CodeInterpreter"
    name_prefix = "verify_1_"

    def __init__(self, folder: Path, broken: dict[str, BaseException] | None = None) -> None:
        self.ledger = Ledger(folder / "made.json")
        self.deployments = FakeDeployments()
        self._broken = broken or {}

    def remove(self, made: Made) -> None:
        if made.name in self._broken:
            raise self._broken[made.name]
        self.ledger.forget(made)


def experiment(
    name: str, run: Callable[[Context], Finding] | None = None, **options: Any
) -> Experiment:
    return Experiment(
        name=name,
        question=f"Does {name} work?",
        method="tries it",
        emulator="it does",
        run=run or (lambda context: holds("it did")),
        **options,
    )
