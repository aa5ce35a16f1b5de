from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from local_aws.interrupts import Interrupted, put_off, raise_when_interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Those of the test run are put back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_put_off_until_what_was_started_is_known(number: int) -> None:
    raise_when_interrupted()
    known = False
    with pytest.raises(Interrupted), put_off():
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        known = True
    assert known


def test_only_the_first_one_is_raised() -> None:
    raise_when_interrupted()
    with pytest.raises(Interrupted):
        os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)


def test_nothing_is_changed_when_nothing_comes() -> None:
    raise_when_interrupted()
    before = signal.getsignal(signal.SIGINT)
    with put_off():
        pass
    assert signal.getsignal(signal.SIGINT) is before
