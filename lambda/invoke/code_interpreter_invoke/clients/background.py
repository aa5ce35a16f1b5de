"""Runs a function in another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Runs a function in another thread, which goes on if nobody waits for it any longer."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._outcome: SimpleQueue[tuple[T] | BaseException] = SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._outcome.put((self._function(),))
        except BaseException as error:
            self._outcome.put(error)

    def result(self, timeout: float) -> T:
        """Return the result, or raise the exception of the function.

        :param timeout: Seconds.
        :raises TimeoutError: if there was none in time.
        """
        try:
            outcome = self._outcome.get(timeout=max(timeout, 0.0))
        except Empty:
            raise TimeoutError from None
        if isinstance(outcome, BaseException):
            try:
                raise outcome
            finally:
                # Break the reference cycle between the exception and this frame, which would keep
                # the request alive until the next garbage collection.
                del outcome
        return outcome[0]
