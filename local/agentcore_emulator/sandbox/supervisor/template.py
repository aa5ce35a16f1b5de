"""The template: a process with the kernel's modules in memory, from which sessions are forked.

To import the kernel's modules takes longer than all else in a session's start. The template imports
them once and has nothing of a session's. It forks a guard for each session; a kernel is a fork of
its holder, with the same memory, and returns from `serve`. Linux only.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import site
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from . import guard, linux
from .messages import SESSION_VARIABLE
from .program import KernelFork, Program
from .removal import remove_tree

LONGEST_PATH = 4096
READY = b"ready"


def serve(descriptor: int, directory: str) -> list[str]:
    """Fork a guard for each request on the socket, and exit when the emulator closes it.

    A request is the directory of a session, with the socket to its supervisor. All else of the
    session goes through that socket, so that the memory of the template never has it.

    Return in the process of a kernel, as if the session's Python had just imported the kernel's
    modules, with the arguments of the kernel's program. `directory` has the Python environment
    that the template starts in; the template removes it.
    """
    exit_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no guard becomes a zombie
    linux.argument_areas()  # /proc shows another process's when a fork has made its namespaces
    places = Places(directory)
    remove_tree(Path(directory))
    gc.collect()
    gc.freeze()  # a collection in a fork would copy the memory that the fork shares
    requests = socket.socket(fileno=descriptor)
    requests.set_inheritable(False)
    requests.send(READY)
    try:
        while True:
            fork_guard(requests)
    except KernelFork as fork:
        program = fork.program
    requests.close()
    become_kernel(program, places)
    return list(program.arguments)


def exit_with_parent() -> None:
    """Exit when the emulator has ended, though a process may still have its end of the socket."""
    parent = os.getppid()

    def exit_if_orphaned(*_: object) -> None:
        # The signal also comes when only the parent's thread ended.
        if os.getppid() != parent:
            os._exit(0)

    signal.signal(signal.SIGTERM, exit_if_orphaned)
    linux.signal_on_parents_death(signal.SIGTERM)


def fork_guard(requests: socket.socket) -> None:
    """Fork the guard of the next session, and send its process id."""
    top, descriptors, _, _ = socket.recv_fds(requests, LONGEST_PATH, 1)
    if not top:
        os._exit(0)
    with socket.socket(fileno=descriptors[0]) as control:
        try:
            pid = os.fork()
        except OSError:  # the machine has no process or no memory left
            pid = 0
        else:
            if pid == 0:
                requests.close()
                run_guard(control, os.fsdecode(top))
    requests.send(str(pid).encode())


def run_guard(control: socket.socket, top: str) -> None:
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        set_environment({SESSION_VARIABLE: top}, title=f"supervisor.guard {top}")
        guard.run(control)
    except KernelFork:
        raise
    except BaseException:
        os._exit(1)
    os._exit(0)


def become_kernel(program: Program, places: Places) -> None:
    """Make this process look as if the session's own Python had started in it."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            with contextlib.suppress(OSError):  # the list's own
                os.close(int(name))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    command = ["python", "-m", "ipykernel_launcher", *program.arguments[-2:]]
    sys.orig_argv = command
    environment = dict(program.environment)
    set_environment(environment, title=" ".join(command))
    time.tzset()
    for name in [name for name in sys.modules if name.partition(".")[0] == __package__]:
        del sys.modules[name]
    top = environment[SESSION_VARIABLE]
    places.replace(top)
    # The session may have installed packages since an earlier kernel.
    packages = next(path for path in sys.path if path.startswith(f"{top}/"))
    del sys.path[sys.path.index(packages) :]
    site.addsitedir(packages)


def set_environment(environment: dict[str, str], *, title: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    linux.show_process(title, environment)


class Places:
    """Where modules have noted the template's directory, which is another one in each session."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._found: list[tuple[Any, Any]] = []  # containers and keys
        for module in sys.modules.values():
            if isinstance(module, ModuleType):
                self._look_in(vars(module), vars(module).items())
                for value in list(vars(module).values()):
                    if isinstance(value, dict):
                        self._look_in(value, value.items())
                    elif isinstance(value, list):
                        self._look_in(value, enumerate(value))

    def replace(self, directory: str) -> None:
        for container, key in self._found:
            container[key] = container[key].replace(self._directory, directory)
        for path in [path for path in sys.path_importer_cache if path.startswith(self._directory)]:
            del sys.path_importer_cache[path]

    def _look_in(self, container: object, items: Iterable[tuple[object, object]]) -> None:
        for key, value in items:
            if isinstance(value, str) and self._directory in value:
                self._found.append((container, key))
