from __future__ import annotations

import contextlib
import gc
import threading
import weakref

import pytest

from code_interpreter_invoke.clients.background import Background


def test_a_function_returns_its_result() -> None:
    assert Background(lambda: "done").result(5) == "done"


def test_a_function_fails() -> None:
    with pytest.raises(ZeroDivisionError):
        Background(lambda: 1 // 0).result(5)


@pytest.mark.parametrize("seconds", [0.01, -1])
def test_nobody_waits_longer_for_a_function_that_hangs(seconds: float) -> None:
    release = threading.Event()
    with pytest.raises(TimeoutError):
        Background(lambda: release.wait(30)).result(seconds)
    release.set()


def test_a_failure_leaves_no_cycle_that_keeps_a_large_request_alive() -> None:
    class Large:
        pass

    def send(request: Large) -> None:
        alive.append(weakref.ref(request))
        Background(lambda: 1 // 0).result(5)

    alive: list[weakref.ref[Large]] = []
    gc.disable()
    try:
        with contextlib.suppress(ZeroDivisionError):
            send(Large())
        assert alive[0]() is None
    finally:
        gc.enable()
