from __future__ import annotations

import pytest

from code_interpreter_invoke.deadline import Deadline


def test_requests_may_take_the_time_until_just_before_the_deadline() -> None:
    clock = iter([0.0, 15.0, 15.0, 20.0])
    deadline = Deadline(20, now=lambda: next(clock))
    assert deadline.remaining() == 5
    assert 4 < deadline.remaining_for_requests() < 5
    assert deadline.remaining_for_requests() < 0


@pytest.mark.parametrize(("seconds", "reserve"), [(900, 10), (30, 3), (1, 0.1)])
def test_time_to_response_is_kept_of_any_budget(seconds: float, reserve: float) -> None:
    assert Deadline(seconds).response_reserve == pytest.approx(reserve)
