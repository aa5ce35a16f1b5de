"""Check at start that MiniStack still has the internals that the patches build on."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

# The version that the patches were written for, as local/pyproject.toml pins it.
MINISTACK_VERSION = "1.5.33"


class MiniStackChangedError(Exception):
    """The installed MiniStack lacks a name that a patch needs, or no longer needs a patch."""

    def __init__(self, change: str) -> None:
        super().__init__(
            f"{change}. The local AWS needs ministack {MINISTACK_VERSION}; "
            f"{version('ministack')} is installed"
        )


def require(module: ModuleType, names: Iterable[str]) -> None:
    """Check that a module of MiniStack has the names that a patch replaces or calls.

    :raises MiniStackChangedError: if one is missing; the message has all of them.
    """
    missing = [name for name in names if not hasattr(module, name)]
    if missing:
        raise MiniStackChangedError(f"{module.__name__} has no {', '.join(missing)}")
