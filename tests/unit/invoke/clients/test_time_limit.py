"""Limits and single sockets; `tests/integration/invoke/test_time_limit.py` has requests."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from code_interpreter_invoke.clients.time_limit import LimitedSocket, TimeLimit, current_limit


def test_nothing_is_sent_when_no_time_is_left() -> None:
    with pytest.raises(TimeoutError), TimeLimit(0):
        pytest.fail("it was sent")


def test_a_request_has_the_limit_of_its_own_block() -> None:
    program, interruption = TimeLimit(60), TimeLimit(60)
    with program:
        with interruption:
            assert current_limit.get() is interruption
        assert current_limit.get() is program
    assert current_limit.get() is None


def test_a_limit_is_extended_once() -> None:
    limit = TimeLimit(0, extend=lambda: 60)
    assert 0 < limit.next_wait() <= 60
    limit.restart(0)
    with pytest.raises(TimeoutError):
        limit.next_wait()
    assert limit.is_reached


@pytest.fixture
def connection() -> Iterator[LimitedSocket]:
    """Return a socket that receives nothing."""
    ours, theirs = socket.socketpair()
    ours.settimeout(0.05)
    with theirs, LimitedSocket.taking(ours) as connection:
        yield connection


def test_a_socket_waits_no_longer_than_its_own_timeout(connection: LimitedSocket) -> None:
    connection.limit = TimeLimit(60)
    with pytest.raises(TimeoutError):
        connection.recv_into(bytearray(1))
    assert not connection.limit.is_reached
    assert connection.limit.remaining() > 30


def test_a_socket_waits_no_longer_than_its_limit(connection: LimitedSocket) -> None:
    connection.settimeout(None)
    connection.limit = TimeLimit(0.05)
    with pytest.raises(TimeoutError):
        connection.recv_into(bytearray(1))
    assert connection.limit.is_reached
    assert connection.gettimeout() is None
