from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_interpreter_invoke.fitting import PRECISION, largest_that_fits


@pytest.mark.parametrize(
    ("limit", "minimum", "length"),
    [(100, 1, 100), (99, 1, 99), (30, 1, 30), (1, 1, 1), (0, 1, 1), (0, 60, 60), (70, 60, 70)],
)
def test_the_largest_size_that_fits_is_found(limit: int, minimum: int, length: int) -> None:
    built = largest_that_fits(
        lambda size: "x" * size, 100, lambda text: len(text) <= limit, minimum=minimum
    )
    assert len(built) == length


@given(st.integers(1, 10_000_000), st.integers(1, 10_000_000))
def test_nearly_all_of_the_limit_is_used(size: int, limit: int) -> None:
    built: list[int] = []

    def build(length: int) -> int:
        built.append(length)
        return length

    largest = largest_that_fits(build, size, lambda length: length <= limit)
    wanted = min(size, limit)
    assert wanted * (1 - PRECISION) - 1 <= largest <= wanted
    assert len(built) <= 32
