"""A session's setup: the command that prepares each of its sandboxes."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..errors import NotStartedError, TimedOutError
from ..sandbox.command_lines import with_environment
from ..sandbox.sandbox import Sandbox
from ..sandbox.terminal import overwrite_lines, strip_control_sequences

# Seconds that a setup may take.
SETUP_SECONDS = 300.0


class SetupError(NotStartedError):
    """The session's setup failed; nothing of the request ran."""

    retryable_by_default = False


def set_up(sandbox: Sandbox, command: str, now: Callable[[], float] = time.monotonic) -> None:
    """Run a session's setup in its new sandbox.

    :raises SetupError: if it fails or takes too long.
    """
    line = with_environment(command, None, sandbox.environment)
    began_at = now()
    try:
        result = sandbox.invoke("executeCommand", {"command": line}, timeout=SETUP_SECONDS)
    except TimedOutError as error:
        raise SetupError(timeout_message(now() - began_at)) from error
    if result.failed:
        from ..sandbox.failures import failure_line  # few setups fail

        code = "" if result.exit_code is None else f" with exit code {result.exit_code}"
        failure = failure_line(result.stderr)
        reason = f": {failure}" if failure else ""
        raise SetupError(
            f"the session's setup failed{code}{reason}; start_session takes another setup",
            stdout=result.stdout,
            stderr=overwrite_lines(strip_control_sequences(result.stderr)),
        )


def timeout_message(seconds: float) -> str:
    """Return a sentence about a setup that had not ended after so many seconds."""
    if seconds < SETUP_SECONDS - 1:
        return (
            f"the session's setup had not ended after {seconds:.0f} s, when the function's own "
            "time was up; give the function a longer timeout, or the session a shorter setup"
        )
    return f"the session's setup took longer than {SETUP_SECONDS:.0f} s"
