from __future__ import annotations

import contextlib
import gc
import threading
import weakref

import pytest

from code_interpreter_invoke.clients.background import in_background


def test_a_function_returns_its_result() -> None:
    assert in_background(lambda: "done").result(5) == "done"


def test_a_function_fails() -> None:
    with pytest.raises(ZeroDivisionError):
        in_background(lambda: 1 // 0).result(5)


def test_nobody_waits_longer_for_a_function_that_hangs() -> None:
    release = threading.Event()
    with pytest.raises(TimeoutError):
        in_background(lambda: release.wait(30)).result(0.01)
    release.set()


def test_a_failure_leaves_no_cycle_that_keeps_a_large_request_alive() -> None:
    class Large:
        pass

    def send(request: Large) -> None:
        alive.append(weakref.ref(request))
        in_background(lambda: 1 // 0).result(5)

    alive: list[weakref.ref[Large]] = []
    gc.disable()
    try:
        with contextlib.suppress(ZeroDivisionError):
            send(Large())
        assert alive[0]() is None
    finally:
        gc.enable()
