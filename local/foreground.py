"""Run a program in the foreground of the terminal, where Ctrl-C reaches it alone.

Without it, Ctrl-C in a program that goes on, such as a prompt, ends the `make` that runs it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys


def main(command: list[str]) -> int:
    if not os.isatty(0):
        os.execvp(command[0], command)  # noqa: S606 - no shell: it would split the arguments
    # A process in the background must not change the foreground, unless it ignores this.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    process = subprocess.Popen(command, process_group=0, preexec_fn=take_foreground)
    while True:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        # Ctrl-Z stops `make`, too, and the shell that has started it takes over until `fg`.
        os.killpg(0, signal.SIGTSTP)
        os.tcsetpgrp(0, process.pid)
        os.killpg(process.pid, signal.SIGCONT)


def take_foreground() -> None:
    """Bring this process, the leader of its group, to the foreground before it reads a key."""
    os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
