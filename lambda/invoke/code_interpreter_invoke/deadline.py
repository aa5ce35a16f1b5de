"""Nothing a call waits for may outlast the call, whatever the other side does.

A socket's read timeout starts anew with every byte, so it bounds no total. Remote work is therefore
done in a thread of its own and waited for until the deadline; a thread that is given up ends with
its connection.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

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
        """The next item, or what `produce` raised.

        Raises `StopIteration` when there are no more items and `TimeoutError` when none came within
        `timeout` seconds.
        """
        try:
            item = self._items.get(timeout=max(timeout, 0.0))
        except Empty:
            raise TimeoutError from None
        if isinstance(item, BaseException):
            try:
                raise item
            finally:
                # The exception knows this frame and its callers'; if they knew it, too, all that
                # they hold would stay in memory until the next garbage collection.
                del item
        return item[0]


class Deadline:
    """The moment at which the function must have answered."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._at = now() + seconds
        # Kept for stopping, saving and answering when the user's code has used up its time.
        self.answer_reserve = min(10.0, seconds / 10)
        # Kept for answering when anything else has.
        self.last_moment = self.answer_reserve / 5

    def remaining(self) -> float:
        """Seconds left, negative when the deadline has passed."""
        return self._at - self._now()

    def run(self, function: Callable[[], T]) -> T:
        """What `function` returns, or `TimeoutError` just before the deadline."""
        left = self.remaining() - self.last_moment
        if left <= 0:
            raise TimeoutError
        return Background(lambda: [function()]).next(left)
