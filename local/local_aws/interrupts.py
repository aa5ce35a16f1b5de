"""Turn Ctrl-C and SIGTERM into one exception, raised once."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Interrupted(BaseException):
    """The user pressed Ctrl-C, or the process received SIGTERM.

    Like KeyboardInterrupt, it is not an Exception: libraries catch those and retry.
    """


def raise_when_interrupted() -> None:
    """Raise Interrupted in the main thread at the first SIGINT or SIGTERM; ignore later ones.

    A second Ctrl-C must not end the clean-up early.
    """
    signal.signal(signal.SIGINT, raise_interrupted)
    signal.signal(signal.SIGTERM, raise_interrupted)


def raise_interrupted(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Interrupted


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Defer SIGINT and SIGTERM to the end of the block.

    An exception during `Popen` would leak the child process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    deferred: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _frame: deferred.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if deferred:
            signal.raise_signal(deferred[0])
