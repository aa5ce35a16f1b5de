from __future__ import annotations

import pytest

from code_interpreter_invoke.fitting import largest_that_fits


@pytest.mark.parametrize(
    ("limit", "minimum", "length"),
    [(100, 1, 100), (99, 1, 50), (30, 1, 25), (1, 1, 1), (0, 1, 1), (0, 60, 50), (0, 40, 25)],
)
def test_the_size_is_halved_until_it_fits_or_is_at_its_minimum(
    limit: int, minimum: int, length: int
) -> None:
    built = largest_that_fits(
        lambda size: "x" * size, 100, lambda text: len(text) <= limit, minimum=minimum
    )
    assert len(built) == length
