"""A program that runs while its caller waits."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any, NoReturn

import pytest

from code_interpreter_client.results import Result
from code_interpreter_client.running import RunningProgram


def raise_interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@pytest.fixture
def interrupt_soon() -> Any:
    """Interrupt the main thread as Ctrl-C does. SIGINT itself would end the test run."""
    previous = signal.signal(signal.SIGUSR1, raise_interrupt)
    timer = threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    timer.start()
    yield
    timer.join()
    signal.signal(signal.SIGUSR1, previous)


@pytest.mark.usefixtures("interrupt_soon")
def test_a_program_still_runs_after_ctrl_c_has_ended_the_wait() -> None:
    may_end = threading.Event()
    result = Result.from_response({"status": "ok", "stdout": "done"}, "key", lambda path: b"")

    def send() -> Result:
        may_end.wait()
        return result

    def interrupt() -> bool:
        may_end.set()
        return True

    program = RunningProgram(send, interrupt, "key")
    with pytest.raises(KeyboardInterrupt):
        program.result(timeout=20)
    assert program.is_running
    assert program.interrupt()
    assert program.result(timeout=20) is result
    assert not program.is_running
    assert not program.interrupt()
