from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from code_interpreter_invoke.deadline import Background, Deadline


def test_items_come_in_order_and_then_the_end() -> None:
    background = Background(lambda: [1, 2])
    assert [background.next(5), background.next(5)] == [1, 2]
    with pytest.raises(StopIteration):
        background.next(5)


def test_a_failure_comes_after_the_items_before_it() -> None:
    def produce() -> Iterator[int]:
        yield 1
        raise KeyError("broken")

    background = Background(produce)
    assert background.next(5) == 1
    with pytest.raises(KeyError):
        background.next(5)


def test_what_hangs_is_given_up() -> None:
    release = threading.Event()

    def produce() -> Iterator[int]:
        release.wait(30)
        yield 1

    background = Background(produce)
    with pytest.raises(TimeoutError):
        background.next(0.01)
    release.set()


def test_a_function_runs_while_there_is_time() -> None:
    assert Deadline(60).run(lambda: "done") == "done"


def test_a_function_that_hangs_is_given_up_before_the_deadline() -> None:
    release = threading.Event()
    clock = iter([0.0, 19.5])
    deadline = Deadline(20, now=lambda: next(clock))
    with pytest.raises(TimeoutError):
        deadline.run(lambda: release.wait(30))
    release.set()


def test_nothing_is_begun_after_the_deadline() -> None:
    ran: list[int] = []
    clock = iter([0.0, 100.0])
    deadline = Deadline(60, now=lambda: next(clock))
    with pytest.raises(TimeoutError):
        deadline.run(lambda: ran.append(1))
    assert ran == []


@pytest.mark.parametrize(("seconds", "reserve"), [(900, 10), (30, 3), (1, 0.1)])
def test_time_to_response_is_kept_of_any_budget(seconds: float, reserve: float) -> None:
    assert Deadline(seconds).response_reserve == pytest.approx(reserve)
