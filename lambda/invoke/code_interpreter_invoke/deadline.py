"""Bounds everything that a request waits for by the request's own deadline.

A socket's read timeout starts anew with every byte, and looking up a host's name has none, so they
bound no total. Remote work is therefore done in another thread and waited for until the deadline.
The threads live on and do the work of later requests; one whose work was given up is free again
when its connection ends.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import ClassVar, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """A thread that does one piece of work after another."""

    free: ClassVar[deque[Worker]] = deque()

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._serve, daemon=True).start()

    @classmethod
    def do(cls, work: Callable[[Worker], None]) -> None:
        """Give work to a free thread, or to a new one if all have some."""
        try:
            worker = cls.free.pop()
        except IndexError:
            worker = cls()
        worker._work.put(lambda: work(worker))

    def _serve(self) -> None:
        while True:
            self._work.get()()


class Background(Generic[T]):
    """Runs a function in another thread."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._outcomes: SimpleQueue[tuple[T] | BaseException] = SimpleQueue()
        Worker.do(self._run)

    def _run(self, worker: Worker) -> None:
        outcome: tuple[T] | BaseException
        try:
            outcome = (self._function(),)
        except BaseException as error:
            outcome = error
        # The worker is free before the waiting thread goes on, which may have more work at once.
        Worker.free.append(worker)
        self._outcomes.put(outcome)
        # Break the reference cycle between an exception and this frame.
        del outcome

    def next(self, timeout: float) -> T:
        """Return the result, or raise the exception of the function.

        :param timeout: Seconds.
        :raises TimeoutError: if there was none in time.
        """
        try:
            outcome = self._outcomes.get(timeout=max(timeout, 0.0))
        except Empty:
            raise TimeoutError from None
        if isinstance(outcome, BaseException):
            try:
                raise outcome
            finally:
                # Break the reference cycle between the exception and this frame, which would keep
                # large results alive until the next garbage collection.
                del outcome
        return outcome[0]


class BackgroundItems(Background[T]):
    """Takes items from an iterable in another thread; after the last one comes StopIteration."""

    def __init__(self, produce: Callable[[], Iterable[T]]) -> None:
        super().__init__(lambda: self._hand_over(produce))

    def _hand_over(self, produce: Callable[[], Iterable[T]]) -> T:
        for item in produce():
            self._outcomes.put((item,))
        raise StopIteration


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
        return Background(lambda: function(*args, **kwargs)).next(seconds)
