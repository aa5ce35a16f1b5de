"""Programs and commands that run while their caller does something else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from .results import Result

# Seconds between two looks at a command that runs in the background.
FIRST_LOOK: Final = 0.25
MAX_LOOK: Final = 5.0
# Seconds that a request may take to arrive, so that it can be interrupted.
ARRIVAL_SECONDS: Final = 10.0


class RunningProgram:
    """A program that runs in a session.

    `idempotency_key` is the key of its request: if this process ends, `Session.run` with the same
    code and key gets the result.
    """

    def __init__(
        self, send: Callable[[], Result], interrupt: Callable[[], bool], idempotency_key: str
    ) -> None:
        self.idempotency_key = idempotency_key
        self._send = send
        self._interrupt = interrupt
        self._outcome: Result | None = None
        self._failure: BaseException | None = None
        # A thread whose `join` is interrupted by Ctrl-C counts as ended (CPython's issue 90882).
        self._ended = threading.Event()
        # The process can end while the program runs; its result stays recorded under the key.
        threading.Thread(target=self._run, name="code-interpreter", daemon=True).start()

    def _run(self) -> None:
        try:
            self._outcome = self._send()
        except BaseException as error:
            self._failure = error
        finally:
            self._ended.set()

    @property
    def is_running(self) -> bool:
        """Whether the program still runs, as far as is known here."""
        return not self._ended.is_set()

    def result(self, timeout: float | None = None) -> Result:
        """Wait for the program's end, and return its result.

        :param timeout: In seconds. Default: for as long as it takes.
        :raises TimeoutError: if it runs for longer; it goes on
        :raises CodeInterpreterError: if the request failed
        """
        if not self._ended.wait(timeout):
            raise TimeoutError(f"the program still runs after {timeout} seconds")
        if self._failure is not None:
            raise self._failure
        assert self._outcome is not None
        return self._outcome

    def interrupt(self) -> bool:
        """Interrupt the program as Ctrl-C does, and return whether there was one to interrupt.

        Variables and files are kept. `result` then has what the program printed.
        """
        ends_at = time.monotonic() + ARRIVAL_SECONDS
        while self.is_running:
            if self._interrupt():
                return True
            if time.monotonic() > ends_at:
                break
            self._ended.wait(FIRST_LOOK)
        return False


class BackgroundCommand:
    """A shell command that runs in a session for up to eight hours, or until the sandbox ends."""

    def __init__(
        self,
        task_id: str,
        task: Callable[[], dict[str, Any]],
        stop: Callable[[], None],
        result: Callable[[dict[str, Any], bool], Result],
    ) -> None:
        self.task_id = task_id
        self._task = task
        self._stop = stop
        self._result = result

    def status(self) -> str:
        """Return the task's status: submitted, working, completed, canceled or failed."""
        return status_of(self._task())

    def wait(self, timeout: float | None = None, *, check: bool = True) -> Result:
        """Wait for the command's end, and return its result.

        The service has no output of a command before it ends.

        :param timeout: In seconds. Default: for as long as it takes.
        :param check: Whether a command that fails is an error.
        :raises TimeoutError: if it runs for longer; it goes on
        :raises CodeFailed: if it failed
        :raises NotFound: if the sandbox has ended, and the command with it
        """
        ends_at = None if timeout is None else time.monotonic() + timeout
        pause = FIRST_LOOK
        while True:
            response = self._task()
            if status_of(response) not in ("submitted", "working"):
                return self._result(response, check)
            if ends_at is not None and time.monotonic() + pause > ends_at:
                raise TimeoutError(f"the command still runs after {timeout} seconds")
            time.sleep(pause)
            pause = min(pause * 1.5, MAX_LOOK)

    def stop(self) -> None:
        """End the command. One that has ended stays as it is."""
        self._stop()


def status_of(response: Mapping[str, Any]) -> str:
    """Return the status of a task in the response about it."""
    return str(response["structuredContent"]["taskStatus"])
