"""Virtual time, and actors of which one runs at a time.

An actor runs until it pauses. The scheduler then goes on with the actor whose pause ends first, so
that the lengths of the pauses alone decide the order, and no time is spent on waiting.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable

START = 1_800_000_000.0


class Killed(BaseException):
    """The process in which an actor runs has died: nothing of it may handle this."""


def held_lock() -> threading.Lock:
    """Return a lock that a thread waits for until another thread releases it.

    A semaphore would do the same with several locks, and threads change thousands of times.
    """
    lock = threading.Lock()
    lock.acquire()
    return lock


class Actor:
    """A thread that runs when the scheduler lets it."""

    def __init__(self, name: str, work: Callable[[], None], wakes_at: float) -> None:
        self.name = name
        self.wakes_at = wakes_at
        self.is_done = False
        # The actor whose process it shares, and the moment at which that process dies.
        self.owner = self
        self._dies_at = math.inf
        self.go = held_lock()
        self.failure: BaseException | None = None
        self._work = work

    @property
    def dies_at(self) -> float:
        return self.owner._dies_at

    @dies_at.setter
    def dies_at(self, moment: float) -> None:
        self.owner._dies_at = moment

    def run(self, back: threading.Lock) -> None:
        self.go.acquire()
        try:
            self._work()
        except Killed:
            pass
        except BaseException as failure:
            self.failure = failure
        self.is_done = True
        back.release()


class Scheduler:
    """Runs actors, and is their clock."""

    def __init__(self) -> None:
        self.seconds = START
        self.actors: list[Actor] = []
        self._current: Actor | None = None
        self._back = held_lock()
        self._numbers = itertools.count()

    @property
    def current(self) -> Actor:
        assert self._current is not None
        return self._current

    def now(self) -> float:
        return self.seconds

    def spawn(self, name: str, work: Callable[[], None], after: float = 0.0) -> Actor:
        """Add an actor, which begins after so many seconds."""
        actor = Actor(name, work, self.seconds + after)
        self.actors.append(actor)
        threading.Thread(target=actor.run, args=(self._back,), daemon=True).start()
        return actor

    def pause(self, seconds: float) -> None:
        """Let time pass for the current actor.

        :raises Killed: if its process has died meanwhile
        """
        self.pause_until(self.seconds + seconds)

    def pause_until(self, moment: float) -> None:
        actor = self.current
        actor.wakes_at = moment
        self._back.release()
        actor.go.acquire()
        if self.seconds >= actor.dies_at:
            raise Killed

    def wake(self, actor: Actor) -> None:
        actor.wakes_at = min(actor.wakes_at, self.seconds)

    def run(self) -> None:
        """Run until all actors are done.

        :raises BaseException: that ended an actor
        """
        while self.actors:
            actor = min(self.actors, key=lambda actor: actor.wakes_at)
            assert actor.wakes_at < math.inf, f"{actor.name} waits for ever"
            self.seconds = max(self.seconds, actor.wakes_at)
            self._current = actor
            actor.go.release()
            self._back.acquire()
            if actor.is_done:
                self.actors.remove(actor)
                if actor.failure is not None:
                    raise actor.failure
        self._current = None
