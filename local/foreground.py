"""Run a program in the foreground of the terminal, where Ctrl-C reaches it alone.

Without it, Ctrl-C in a program that goes on, such as a prompt, ends the `make` that runs it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence


def main(command: Sequence[str]) -> int:
    if not os.isatty(0):
        return subprocess.call(command)
    # The program is in the foreground before it begins: a key may come at once.
    process = subprocess.Popen(command, process_group=0, preexec_fn=come_to_foreground)
    while True:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        set_foreground(os.getpgrp())
        if not os.WIFSTOPPED(status):
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        # Ctrl-Z stops `make`, too, and the shell that has started it takes over until `fg`.
        os.killpg(0, signal.SIGTSTP)
        set_foreground(process.pid)
        os.killpg(process.pid, signal.SIGCONT)


def come_to_foreground() -> None:
    set_foreground(os.getpgrp())


def set_foreground(group: int) -> None:
    """Let the terminal's keys reach a process group, also from the background."""
    stop = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(0, group)
    signal.signal(signal.SIGTTOU, stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
