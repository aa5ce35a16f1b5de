from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_interpreter_invoke.fitting import PRECISION, largest_that_fits


@pytest.mark.parametrize(
    ("limit", "minimum", "length"),
    [(60, 1, 60), (59, 1, 59), (30, 1, 30), (1, 1, 1), (0.1, 1, 1), (1, 40, 40), (50, 40, 50)],
)
def test_the_largest_of_a_few_sizes_is_found(limit: float, minimum: int, length: int) -> None:
    built = largest_that_fits(
        lambda size: "x" * size, 60, lambda text: len(text) / limit, minimum=minimum
    )
    assert len(built) == length


@given(
    st.integers(1, 10_000_000),
    st.integers(1, 10_000_000),
    st.integers(1, 7),
    st.integers(0, 100_000),
)
def test_even_growth_needs_a_few_forms(size: int, limit: int, slope: int, start: int) -> None:
    built: list[int] = []

    def build(length: int) -> int:
        built.append(length)
        return start + slope * length

    largest = largest_that_fits(build, size, lambda taken: taken / limit)
    wanted = max(min(start + slope * size, limit), start + slope)
    assert wanted * (1 - PRECISION) - slope <= largest <= wanted
    assert len(built) <= 6


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=300), st.integers(1, 400_000))
def test_nearly_all_of_the_limit_is_used_by_forms_that_grow_unevenly(
    steps: list[int], limit: int
) -> None:
    sizes = list(itertools.accumulate(steps))
    largest = largest_that_fits(
        lambda length: length, len(sizes), lambda length: sizes[length - 1] / limit
    )
    wanted = max(bisect.bisect_right(sizes, limit), 1)
    assert largest <= wanted
    assert largest >= wanted * (1 - PRECISION) - 1 or sizes[largest - 1] >= limit * (1 - PRECISION)


GROWTHS: dict[str, Callable[[int, int], float]] = {
    "a cliff": lambda length, limit: length / 10_000_000 + 1_000 * (length > limit),
    "steep": lambda length, limit: (length / limit) ** 20,
    "flat": lambda length, limit: (length / limit) ** 0.05,
}


@pytest.mark.parametrize("limit", [5, 500, 50_000, 5_000_000])
@pytest.mark.parametrize("growth", GROWTHS)
def test_the_search_is_short_where_a_line_leads_astray(growth: str, limit: int) -> None:
    built: list[int] = []

    def build(length: int) -> int:
        built.append(length)
        return length

    def share(length: int) -> float:
        return GROWTHS[growth](length, limit)

    largest = largest_that_fits(build, 6_000_000, share)
    assert share(largest) <= 1
    assert share(largest) >= 1 - PRECISION or largest >= limit * (1 - PRECISION) - 1
    assert len(built) <= 2 * 23  # twice the steps that halving needs


def test_a_form_of_one_byte_too_many_does_not_fit() -> None:
    assert largest_that_fits(lambda length: length, 6_000_001, lambda length: length / 6e6) <= 6e6
    assert largest_that_fits(lambda length: length, 6_000_000, lambda length: length / 6e6) == 6e6
