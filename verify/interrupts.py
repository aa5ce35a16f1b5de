"""Ctrl-C: the first ends the experiments, the second ends the clean-up."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NoReturn

from local_aws.interrupts import Interrupted

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Interrupted", "raise_at_each_interrupt"]


def raise_at_each_interrupt() -> None:
    """Raise Interrupted in the main thread at each SIGINT and SIGTERM."""
    signal.signal(signal.SIGINT, raise_interrupted)
    signal.signal(signal.SIGTERM, raise_interrupted)


def raise_interrupted(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted
