from __future__ import annotations

import contextlib
import gc
import threading
import time
import weakref
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest

from code_interpreter_invoke.deadline import BackgroundItems, Deadline


def test_items_come_in_order_and_then_the_end() -> None:
    background = BackgroundItems(lambda: [1, 2])
    assert [background.next(5), background.next(5)] == [1, 2]
    with pytest.raises(StopIteration):
        background.next(5)


def test_a_failure_comes_after_the_items_before_it() -> None:
    def produce() -> Iterator[int]:
        yield 1
        raise KeyError("broken")

    background = BackgroundItems(produce)
    assert background.next(5) == 1
    with pytest.raises(KeyError):
        background.next(5)


def test_what_hangs_is_given_up() -> None:
    release = threading.Event()

    def produce() -> Iterator[int]:
        release.wait(30)
        yield 1

    background = BackgroundItems(produce)
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


class SlowQueue(SimpleQueue[Any]):
    """A queue that lets the receiver go on before the sender."""

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(item, block, timeout)
        time.sleep(0.001)


def test_work_after_work_takes_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("code_interpreter_invoke.deadline.SimpleQueue", SlowQueue)
    Deadline(60).run(lambda: None)
    threads = threading.active_count()
    for _ in range(20):
        assert Deadline(60).run(lambda: 1) == 1
        with pytest.raises(ZeroDivisionError):
            Deadline(60).run(lambda: 1 // 0)
        items = BackgroundItems(lambda: [1])
        assert items.next(5) == 1
        with pytest.raises(StopIteration):
            items.next(5)
    assert threading.active_count() == threads


def test_work_beside_work_takes_a_thread_more_which_serves_later_work() -> None:
    release = threading.Event()
    hanging = BackgroundItems(lambda: [release.wait(30)])
    assert Deadline(60).run(threading.get_ident) != threading.get_ident()
    threads = threading.active_count()
    release.set()
    assert hanging.next(5)
    with pytest.raises(StopIteration):
        hanging.next(5)
    both = [BackgroundItems(lambda: [threading.get_ident()]) for _ in range(2)]
    for items in both:
        items.next(5)
    assert threading.active_count() == threads


def test_a_failure_leaves_no_cycle_that_keeps_large_results_alive() -> None:
    class Large:
        pass

    def fail() -> None:
        large = Large()
        alive.append(weakref.ref(large))
        raise KeyError

    alive: list[weakref.ref[Large]] = []
    gc.disable()
    try:
        with contextlib.suppress(KeyError):
            Deadline(60).run(fail)
        Deadline(60).run(lambda: None)
        assert alive[0]() is None
    finally:
        gc.enable()
