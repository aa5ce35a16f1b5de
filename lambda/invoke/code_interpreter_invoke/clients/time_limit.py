"""The time that a request to a service may take, and the sockets that keep to it.

A socket's own timeout starts anew with every byte that comes, so it bounds no total.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from ssl import SSLSocket
from typing import Any, TypeVar

T = TypeVar("T")


class TimeLimit:
    """The time that the requests in its block may take, to the last byte of their responses."""

    def __init__(self, seconds: float, extend: Callable[[], float] | None = None) -> None:
        """Begin now.

        :param extend: Called once when no time is left; returns the seconds to wait further.
        """
        self.seconds = seconds
        # Whether a socket has waited for all of the time.
        self.is_reached = False
        self.restart(seconds)
        self._extend = extend
        self._token: Token[TimeLimit | None] | None = None

    def restart(self, seconds: float) -> None:
        """Begin again, without an extension."""
        self._ends_at = time.monotonic() + seconds
        self._extend = None

    def __enter__(self) -> None:
        """Let this be the limit of the requests that are sent.

        :raises TimeoutError: if no time is left
        """
        if self.remaining() <= 0:
            raise TimeoutError
        self._token = current_limit.set(self)

    def __exit__(self, *_error: object) -> None:
        assert self._token is not None
        current_limit.reset(self._token)

    def remaining(self) -> float:
        """Return the seconds that are left, negative when the limit has passed."""
        return self._ends_at - time.monotonic()

    def next_wait(self) -> float:
        """Return the seconds for which a socket may wait now.

        :raises TimeoutError: if no time is left, and there is no extension
        """
        seconds = self.remaining()
        if seconds <= 0 and self._extend is not None:
            self.restart(self._extend())
            seconds = self.remaining()
        if seconds <= 0:
            self.is_reached = True
            raise TimeoutError
        return seconds


# The limit of the request that is being sent. The socket has it while the response is read.
current_limit: ContextVar[TimeLimit | None] = ContextVar("current_limit", default=None)


def within(limit: TimeLimit | None, connection: socket.socket, operation: Callable[[], T]) -> T:
    """Return the result of a socket's operation, which may wait.

    :raises TimeoutError: if it waits longer than the socket's own timeout, or than the limit
    """
    if limit is None:
        return operation()
    timeout = connection.gettimeout()
    try:
        while True:
            left = limit.next_wait()
            connection.settimeout(left if timeout is None else min(timeout, left))
            try:
                return operation()
            except TimeoutError:
                if timeout is not None and timeout <= left:
                    raise
    finally:
        connection.settimeout(timeout)


class LimitedSocket(socket.socket):
    """A socket without TLS that keeps to a limit."""

    limit: TimeLimit | None = None

    @classmethod
    def taking(cls, connection: socket.socket) -> LimitedSocket:
        """Return a socket that takes the place of another one."""
        timeout = connection.gettimeout()
        taken = cls(fileno=connection.detach())
        taken.settimeout(timeout)
        return taken

    def recv_into(self, *args: Any) -> int:
        """Receive bytes; urllib3 receives in no other way."""
        receive = super().recv_into
        return within(self.limit, self, lambda: receive(*args))

    def send(self, *args: Any) -> int:
        """Send some of the bytes."""
        send = super().send
        return within(self.limit, self, lambda: send(*args))

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all bytes, without the operating system's loop, which forgets how many it sent."""
        with memoryview(data) as view, view.cast("B") as unsent:
            sent = 0
            while sent < len(unsent):
                sent += self.send(unsent[sent:], flags)


class LimitedTlsSocket(SSLSocket):
    """A socket with TLS that keeps to a limit. All of its other methods end in these."""

    limit: TimeLimit | None = None

    def do_handshake(self, *args: Any) -> None:
        """Begin TLS."""
        self.limit = current_limit.get()
        begin = super().do_handshake
        within(self.limit, self, lambda: begin(*args))

    def read(self, *args: Any) -> Any:
        """Receive bytes."""
        read = super().read
        return within(self.limit, self, lambda: read(*args))

    def send(self, *args: Any) -> int:
        """Send some of the bytes."""
        send = super().send
        return within(self.limit, self, lambda: send(*args))
