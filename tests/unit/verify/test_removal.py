"""The removal of code interpreters by their names, which a list may leave out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from verify.removal import interpreters_named

if TYPE_CHECKING:
    from verify.context import Context


class Summaries:
    """A list of code interpreters, in the place of a paginator and its pages."""

    def paginate(self, **_: Any) -> Summaries:
        return self

    def search(self, _: str) -> list[dict[str, str]]:
        return [{"codeInterpreterId": "verify_1_1-abc"}, {"codeInterpreterId": "other-abc"}]


def test_a_code_interpreter_without_a_name_in_the_list_is_found() -> None:
    control = SimpleNamespace(get_paginator=lambda _: Summaries())
    context = cast("Context", SimpleNamespace(control=control))
    assert interpreters_named(context, "verify_1_1".__eq__) == ["verify_1_1-abc"]
