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


class LimitedSocket(socket.socket):
    """A socket that keeps to a limit. urllib3 calls no other of its methods that wait."""

    limit: TimeLimit | None = None

    @classmethod
    def taking(cls, connection: socket.socket) -> LimitedSocket:
        """Return a socket that takes the place of another one."""
        timeout = connection.gettimeout()
        taken = cls(fileno=connection.detach())
        taken.settimeout(timeout)
        return taken

    def recv_into(self, *args: Any) -> int:
        """Receive bytes."""
        return self._within_limit(super().recv_into, *args)

    def send(self, *args: Any) -> int:
        """Send some of the bytes."""
        return self._within_limit(super().send, *args)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all bytes. After a timeout, the method of `socket` does not say how many it sent."""
        with memoryview(data) as view, view.cast("B") as unsent:
            sent = 0
            while sent < len(unsent):
                sent += self.send(unsent[sent:], flags)

    def _within_limit(self, operation: Callable[..., T], *args: Any) -> T:
        """Return the result of an operation that may wait.

        :raises TimeoutError: if it waits longer than the socket's own timeout, or than the limit
        """
        if self.limit is None:
            return operation(*args)
        timeout = self.gettimeout()
        try:
            while True:
                left = self.limit.next_wait()
                self.settimeout(left if timeout is None else min(timeout, left))
                try:
                    return operation(*args)
                except TimeoutError:
                    if timeout is not None and timeout <= left:
                        raise
        finally:
            self.settimeout(timeout)


class LimitedTlsSocket(LimitedSocket, SSLSocket):
    """A socket with TLS that keeps to a limit."""

    def do_handshake(self, *args: Any) -> None:
        """Begin TLS."""
        self.limit = current_limit.get()
        self._within_limit(super().do_handshake, *args)
