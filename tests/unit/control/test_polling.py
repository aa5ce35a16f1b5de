from __future__ import annotations

import itertools

import pytest

from code_interpreter_control import polling
from code_interpreter_control.errors import DeadlineExceededError
from code_interpreter_control.polling import Clock
from tests.fakes.control_plane import FakeTime


def test_the_first_poll_has_no_pause() -> None:
    time = FakeTime(10)
    next(time.clock().poll())
    assert time.left == 10


def test_pauses_become_longer_up_to_a_limit() -> None:
    pauses: list[float] = []
    clock = Clock(remaining=lambda: 1e9, sleep=pauses.append)
    for _ in itertools.islice(clock.poll(), 30):
        pass
    assert 0.75 <= pauses[0] <= 1.25
    assert all(7.5 <= pause <= 12.5 for pause in pauses[-10:])


def test_polling_stops_before_the_reserve() -> None:
    time = FakeTime(100)
    with pytest.raises(DeadlineExceededError):
        for _ in time.clock().with_reserve(40).poll():
            pass
    assert 40 < time.left < 60


def test_polling_can_be_limited_to_a_part_of_the_time() -> None:
    time = FakeTime(900)
    with pytest.raises(DeadlineExceededError):
        for _ in time.clock().with_reserve(20).limited_to(120).poll():
            pass
    assert 780 < time.left < 795


def test_a_limit_never_reaches_into_the_reserve() -> None:
    time = FakeTime(50)
    with pytest.raises(DeadlineExceededError):
        for _ in time.clock().with_reserve(20).limited_to(120).poll():
            pass
    assert time.left > 20


def test_the_pauses_can_be_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local AWS does, so that a deployment waits for less."""
    monkeypatch.setattr(polling, "FIRST_PAUSE", 0.3)
    pauses: list[float] = []
    for _ in itertools.islice(Clock(remaining=lambda: 1e9, sleep=pauses.append).poll(), 3):
        pass
    assert 0.225 <= pauses[0] <= 0.375
    assert 0.3375 <= pauses[1] <= 0.5625
