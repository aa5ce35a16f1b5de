"""Bounds everything that a request waits for by the request's own deadline.

A socket's read timeout starts anew with every byte, so it bounds no total. Remote work is therefore
done in a thread of its own and waited for until the deadline; a thread that is given up ends with
its connection.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Background(Generic[T]):
    """Takes items from an iterable in a thread of its own."""

    def __init__(self, produce: Callable[[], Iterable[T]]) -> None:
        self._items: SimpleQueue[tuple[T] | BaseException] = SimpleQueue()
        threading.Thread(target=self._work, args=(produce,), daemon=True).start()

    def _work(self, produce: Callable[[], Iterable[T]]) -> None:
        try:
            for item in produce():
                self._items.put((item,))
        except BaseException as error:
            self._items.put(error)
        else:
            self._items.put(StopIteration())

    def next(self, timeout: float) -> T:
        """Return the next item, or raise the exception of `produce`.

        :param timeout: Seconds.
        :raises StopIteration: if there are no more items.
        :raises TimeoutError: if no item came in time.
        """
        try:
            item = self._items.get(timeout=max(timeout, 0.0))
        except Empty:
            raise TimeoutError from None
        if isinstance(item, BaseException):
            try:
                raise item
            finally:
                # Break the reference cycle between the exception and this frame, which would keep
                # large results alive until the next garbage collection.
                del item
        return item[0]


class Deadline:
    """The moment at which the function must have responded."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._at = now() + seconds
        # Seconds left for stopping, saving and responding when the user's code has used its time.
        self.response_reserve = min(10.0, seconds / 10)
        # Seconds left for responding when anything else has.
        self._last_moment = self.response_reserve / 5

    def remaining(self) -> float:
        """Return the seconds that are left, negative when the deadline has passed."""
        return self._at - self._now()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of a function's call.

        :raises TimeoutError: if there is none just before the deadline.
        """
        seconds = self.remaining() - self._last_moment
        if seconds <= 0:
            raise TimeoutError
        return Background(lambda: [function(*args, **kwargs)]).next(seconds)
