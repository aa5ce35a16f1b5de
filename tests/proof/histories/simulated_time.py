"""Let the function run on the scheduler: its clocks, its pauses and its threads."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import code_interpreter_invoke.application  # noqa: F401 - its modules are looked through
from code_interpreter_invoke.clients import bucket, code_interpreter
from code_interpreter_invoke.clients.time_limit import TimeLimit
from code_interpreter_invoke.sessions import named

from .scheduler import Scheduler

PACKAGE = "code_interpreter_invoke"


class SimulatedLimit(TimeLimit):
    """Finds after a request, in the place of the sockets, that it took longer than its limit."""

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self.remaining() < 0:
            self.next_wait()


class InlinePool:
    """Does what is submitted to a pool of threads at once, one after another."""

    def __init__(self, _threads: int) -> None:
        pass

    def __enter__(self) -> InlinePool:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def map(self, function: Callable[..., Any], *columns: Iterable[Any]) -> Iterator[Any]:
        futures = [self.submit(function, *row) for row in zip(*columns, strict=True)]
        return (future.result() for future in futures)


class SimulatedHeartbeat:
    """Beats as an actor of the process that started it."""

    scheduler: Scheduler

    def __init__(self, beat: Callable[[], None], seconds: float) -> None:
        self._stopped = False
        self._beat = beat
        self._seconds = seconds
        self._owner = self.scheduler.current
        actor = self.scheduler.spawn(f"{self._owner.name} heartbeat", self._run)
        actor.owner = self._owner

    def stop(self) -> None:
        self._stopped = True

    def _run(self) -> None:
        while True:
            self.scheduler.pause(self._seconds)
            if self._stopped or self._owner.is_done:
                return
            self._beat()


@contextmanager
def simulated_time(scheduler: Scheduler) -> Iterator[None]:
    """Replace every clock, pause and thread of the function.

    Clocks are also the defaults of parameters. All modules are looked through, so that a new one
    does not bring another clock along.
    """
    times = SimpleNamespace(time=scheduler.now, monotonic=scheduler.now, sleep=scheduler.pause)
    replaced: dict[Any, Any] = {
        time.time: scheduler.now,
        time.monotonic: scheduler.now,
        time.sleep: scheduler.pause,
    }
    restore: list[tuple[Any, Any, Any]] = []
    patches: list[Any] = []
    for name, module in list(sys.modules.items()):
        if not name.startswith(PACKAGE):
            continue
        if getattr(module, "time", None) is time:
            patches.append(mock.patch.object(module, "time", times))
        if getattr(module, "ThreadPoolExecutor", None) is ThreadPoolExecutor:
            patches.append(mock.patch.object(module, "ThreadPoolExecutor", InlinePool))
        for function in functions_of(module):
            restore.append((function, function.__defaults__, function.__kwdefaults__))
            function.__defaults__ = tuple(
                on_clock(value, replaced) for value in function.__defaults__ or ()
            )
            function.__kwdefaults__ = {
                key: on_clock(value, replaced)
                for key, value in (function.__kwdefaults__ or {}).items()
            }
    heartbeat = type("Heartbeat", (SimulatedHeartbeat,), {"scheduler": scheduler})
    patches += [
        mock.patch.object(bucket, "TimeLimit", SimulatedLimit),
        mock.patch.object(code_interpreter, "TimeLimit", SimulatedLimit),
        mock.patch.object(named, "Heartbeat", heartbeat),
    ]
    try:
        for patch in patches:
            patch.start()
        yield
    finally:
        for patch in patches:
            patch.stop()
        for function, defaults, keyword_defaults in restore:
            function.__defaults__, function.__kwdefaults__ = defaults, keyword_defaults


def on_clock(value: Any, replaced: dict[Any, Any]) -> Any:
    try:
        return replaced.get(value, value)
    except TypeError:  # it cannot be hashed, so it is no clock
        return value


def functions_of(module: Any) -> Iterator[Any]:
    """Yield the functions and methods of a module that have a clock as a default."""
    for member in list(vars(module).values()):
        if getattr(member, "__module__", "") != module.__name__:
            continue
        found = vars(member).values() if isinstance(member, type) else [member]
        for function in found:
            defaults = [
                *(getattr(function, "__defaults__", None) or ()),
                *(getattr(function, "__kwdefaults__", None) or {}).values(),
            ]
            if any(value in (time.time, time.monotonic, time.sleep) for value in defaults):
                yield function
