"""Modules of the CDK that most apps never use.

Each is thousands of generated lines, which take 5 to 70 ms of CPU in every synthesis.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class LateModule:
    """Stand for a module, and import it when one of its names is used first.

    `typing.get_type_hints()` finds its names, which it does not find after an import that only
    type checkers see.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)

    def __reduce__(self) -> tuple[type[LateModule], tuple[str]]:
        """Copy by the name. Without it, a copy would look for its own name in a module."""
        return LateModule, (self._name,)
