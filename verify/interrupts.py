"""Ctrl-C: the first ends the experiments, the second ends the clean-up."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NoReturn

from local_aws.interrupts import Interrupted

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Interrupted", "ignore_interrupts", "raise_at_each_interrupt"]


def raise_at_each_interrupt() -> None:
    """Raise Interrupted in the main thread at each SIGINT and SIGTERM."""
    signal.signal(signal.SIGINT, raise_interrupted)
    signal.signal(signal.SIGTERM, raise_interrupted)


def ignore_interrupts() -> None:
    """Ignore SIGINT and SIGTERM from now on: nothing but the results is left to write."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def raise_interrupted(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted
