from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from local_aws.interrupts import Interrupted, defer_interrupts, raise_when_interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restore the handlers of the test run."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_raised_at_the_end_of_the_block(number: int) -> None:
    raise_when_interrupted()
    is_complete = False
    with pytest.raises(Interrupted), defer_interrupts():
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        is_complete = True
    assert is_complete


def test_only_the_first_signal_is_raised() -> None:
    raise_when_interrupted()
    with pytest.raises(Interrupted):
        os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_restored_without_a_signal() -> None:
    raise_when_interrupted()
    before = signal.getsignal(signal.SIGINT)
    with defer_interrupts():
        pass
    assert signal.getsignal(signal.SIGINT) is before
