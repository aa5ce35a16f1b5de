"""A session's setup: the command that prepares each of its sandboxes."""

from __future__ import annotations

from ..errors import NotStartedError, TimedOutError
from ..sandbox.environment import with_environment
from ..sandbox.failures import failure_line
from ..sandbox.sandbox import Sandbox
from ..sandbox.terminal import overwrite_lines, strip_control_sequences

# Seconds that a setup may take.
SETUP_SECONDS = 300.0


class SetupError(NotStartedError):
    """The session's setup failed; nothing of the request ran."""

    retryable_by_default = False


def set_up(sandbox: Sandbox, command: str) -> None:
    """Run a session's setup in its new sandbox.

    :raises SetupError: if it fails or takes too long.
    """
    line = with_environment(command, None, sandbox.environment)
    try:
        result = sandbox.invoke("executeCommand", {"command": line}, timeout=SETUP_SECONDS)
    except TimedOutError as error:
        raise SetupError(f"the session's setup took longer than {SETUP_SECONDS:.0f} s") from error
    if result.failed:
        raise SetupError(
            f"the session's setup failed with exit code {result.exit_code}: "
            f"{failure_line(result.stderr)}; start_session takes another setup",
            stdout=result.stdout,
            stderr=overwrite_lines(strip_control_sequences(result.stderr)),
        )
