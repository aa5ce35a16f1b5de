"""Ctrl-C and SIGTERM as one exception, raised once."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
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
