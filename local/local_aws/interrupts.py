"""Ctrl-C and SIGTERM as one exception, raised once."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Interrupted(BaseException):
    """The user pressed Ctrl-C, or the process was told to end.

    Like KeyboardInterrupt no Exception: libraries catch those, and try again.
    """


def raise_when_interrupted() -> None:
    """Raise Interrupted in the main thread at the first SIGINT or SIGTERM; ignore later ones.

    A second Ctrl-C must not cut the cleaning up short.
    """
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)


def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Interrupted


@contextmanager
def put_off() -> Iterator[None]:
    """Put SIGINT and SIGTERM off to the end of the block.

    Raised while a process is being started, they would leave it to nobody.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are for the main thread
        return
    caught: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _frame: caught.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if caught:
            signal.raise_signal(caught[0])
