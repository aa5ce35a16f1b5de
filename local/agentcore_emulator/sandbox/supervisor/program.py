"""One program and its holder, which starts it, waits for it, and cleans up after it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import linux
from .processes import end_descendants, end_group, user_tasks

EXIT_BY_SIGNAL = 128  # as a shell reports a program that a signal ended
EXIT_NOT_STARTED = 127
WAITED_SIGNALS = {signal.SIGCHLD, signal.SIGTERM}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that one program may use; `memory` and `file_size` are bytes."""

    memory: int
    file_size: int
    open_files: int
    processes: int

    @property
    def tasks(self) -> int:
        """The limit on processes and threads that the kernel enforces where it can.

        It is the higher limit: a program that meets it tries again for ever, whereas the session
        ends a program that exceeds `processes`.
        """
        return 2 * self.processes


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program to start; `standard` are descriptors for its input, output and errors."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    standard: Sequence[int]
    limits: Limits
    is_kernel: bool = False
    """Whether it is the kernel, whose program this process has in memory; `arguments` are its."""


class KernelFork(BaseException):
    """Unwinds the stack in a new process, which becomes a kernel at the bottom of it."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program


def start(program: Program) -> int:
    """Start the program below a holder of its own, and return the holder's process id.

    SIGTERM to the holder ends the program. The holder ends once no process of the program is
    left, with the program's exit status.
    """
    # Blocked before the fork: the holder must not lose a signal that comes before it waits.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            status = EXIT_NOT_STARTED
            with contextlib.suppress(Exception):
                status = hold(program)
            os._exit(status)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def hold(program: Program) -> int:
    os.setsid()  # Linux shares the processor fairly among sessions
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, ignore_signal)
    signal.signal(signal.SIGTERM, ignore_signal)
    if linux.AVAILABLE:
        linux.become_subreaper()
        linux.signal_on_parents_death(signal.SIGKILL)
    first = os.fork()
    if first == 0:
        with contextlib.suppress(Exception):
            execute(program)
        os._exit(EXIT_NOT_STARTED)
    for descriptor in program.standard:
        os.close(descriptor)
    status = wait_for_exit(first)
    end_group(first)
    end_descendants()
    return status


def wait_for_exit(first: int) -> int:
    while signal.sigwait(WAITED_SIGNALS) != signal.SIGTERM:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                if ended[0] == first:
                    code = os.waitstatus_to_exitcode(ended[1])
                    return code if code >= 0 else EXIT_BY_SIGNAL - code
    return EXIT_BY_SIGNAL + signal.SIGKILL


def execute(program: Program) -> None:
    # A group of its own, but no session: so the terminal never becomes a controlling terminal.
    # When the leader of its session ends, Linux discards output that we have not read yet.
    os.setpgid(0, 0)
    for number, descriptor in enumerate(program.standard):
        os.dup2(descriptor, number)
    set_limits(program.limits)
    if linux.AVAILABLE:
        linux.schedule(0, first=False)
        linux.give_up_privileges()
    # The directory may have been removed by an earlier program.
    program.directory.mkdir(parents=True, exist_ok=True)
    os.chdir(program.directory)
    reset_signals()
    if program.is_kernel:
        linux.drop_capabilities()
        raise KernelFork(program)
    try:
        os.execvpe(program.arguments[0], list(program.arguments), dict(program.environment))
    except OSError as error:
        os.write(2, f"{program.arguments[0]}: {error.strerror}\n".encode())


def reset_signals() -> None:
    """Give this process the default action of every signal.

    A signal that Python, `nohup` or a shell's background job ignores would stay ignored in the
    program and in all that it starts.
    """
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def set_limits(limits: Limits) -> None:
    """Set the limits of this process.

    All hold for each process alone, except RLIMIT_NPROC: it counts the processes and threads of
    the user (in a user namespace, those of the namespace) and does not bind root.
    """
    values = {
        resource.RLIMIT_DATA: limits.memory,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
    }
    if linux.AVAILABLE and os.geteuid() != 0:
        values[resource.RLIMIT_NPROC] = user_tasks() + limits.tasks
    for kind, value in values.items():
        _, highest = resource.getrlimit(kind)
        allowed = value if highest == resource.RLIM_INFINITY else min(value, highest)
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some
            resource.setrlimit(kind, (allowed, allowed))


def ignore_signal(*_: object) -> None:
    """Do nothing. The kernel may drop a signal without a handler, even while we wait for it."""
