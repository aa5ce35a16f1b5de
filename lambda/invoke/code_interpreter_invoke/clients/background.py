"""Runs a function in another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_background(function: Callable[[], T]) -> Future[T]:
    """Run a function in a thread, which goes on if nobody waits for it any longer.

    The threads of an executor would keep Python from ending.
    """
    future: Future[T] = Future()
    threading.Thread(target=complete, args=(future, function), daemon=True).start()
    return future


def complete(future: Future[T], function: Callable[[], T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)
        # Break the reference cycle between the exception and this frame, which would keep the
        # request alive until the next garbage collection.
        del future
