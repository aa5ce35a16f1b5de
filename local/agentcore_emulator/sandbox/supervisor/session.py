"""The session: a guard that cleans up, and below it the process that starts programs.

Messages are lines of JSON on a socket. In, with three descriptors beside a start:

    {"start": number, "arguments": [...]}    {"end": number}

Out: that it is ready or cannot be, the end of each program (`exceeded` is null, "processes",
"memory" or "disk"), that no process is left, and that no file is left:

    {"ready": true}    {"failed": reason}    {"empty": true}    {"closed": true}
    {"ended": number, "status": n, "exceeded": ...}
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import linux, namespaces
from .processes import children, descendants, end, end_descendants, end_group, hurry
from .program import EXIT_BY_SIGNAL, EXIT_NOT_STARTED, Limits, Program, start
from .removal import remove_tree
from .usage import disk_usage, resident_bytes

WATCH_SECONDS = 0.1 if linux.AVAILABLE else 1.0  # elsewhere a watch costs a run of `ps`
DISK_WATCHES = 10  # how many watches before the files are measured again


def main(control_descriptor: str, configuration: str) -> None:
    """Guard one session. The arguments are a socket and what `Supervisor` wrote as JSON."""
    control = socket.socket(fileno=int(control_descriptor))
    control.set_inheritable(False)
    settings = json.loads(configuration)
    os.umask(0o022)
    parent = os.getppid()
    session = 0

    def when_the_parent_died(*_: object) -> None:
        # The signal also comes when only the parent's thread ended.
        if os.getppid() != parent and session:
            end(session)

    signal.signal(signal.SIGTERM, when_the_parent_died)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python's handler would end the session
    if linux.AVAILABLE:
        linux.become_subreaper()
        linux.signal_on_parents_death(signal.SIGTERM)
    if settings["namespaces"]:
        namespaces.enter()
    session = os.fork()
    if session == 0:
        try:
            Session(control, settings).run()
        except BaseException as error:
            _send(control, {"failed": repr(error)})
        finally:
            os._exit(0)
    os.waitpid(session, 0)
    end_descendants()
    _send(control, {"empty": True})
    for directory in settings["remove"]:
        remove_tree(Path(directory))
    _send(control, {"closed": True})


def _send(control: socket.socket, message: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the emulator is gone
        control.sendall(json.dumps(message).encode() + b"\n")


class Session:
    """Runs until the socket closes; its end is the end of all programs."""

    def __init__(self, control: socket.socket, settings: Mapping[str, Any]) -> None:
        self._control = control
        self._settings = settings
        self._limits = Limits(**settings["limits"])
        self._programs: dict[int, int] = {}  # by process
        self._exceeded: dict[int, str] = {}
        self._received = b""
        self._descriptors: list[int] = []
        self._watches = 0

    def run(self) -> None:
        if linux.AVAILABLE:
            linux.become_subreaper()
            linux.signal_on_parents_death(signal.SIGKILL)
        if self._settings["namespaces"]:
            namespaces.mount(
                [Path(path) for path in self._settings["writable"]],
                temporary=Path(self._settings["temporary"]),
                tasks=self._limits.tasks,
                needed=[Path(path) for path in self._settings["needed"]],
                hidden=[Path(path) for path in self._settings["hidden"]],
            )
        _send(self._control, {"ready": True})
        self._serve()
        end_descendants()

    def _serve(self) -> None:
        woken, wake = socket.socketpair()
        for end_of_pair in (woken, wake):
            end_of_pair.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            watched = time.monotonic()
            while True:
                ready = selector.select(WATCH_SECONDS if self._programs else None)
                for key, _ in ready:
                    if key.fileobj is woken:
                        woken.recv(4096)
                    elif not self._receive():
                        return
                self._collect()
                if self._programs and time.monotonic() - watched >= WATCH_SECONDS:
                    self._watch()
                    watched = time.monotonic()

    def _receive(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._control, 1 << 16, 16)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        self._descriptors += descriptors
        self._received += data
        *lines, self._received = self._received.split(b"\n")
        for line in lines:
            self._obey(json.loads(line))
        return bool(data)

    def _obey(self, message: Mapping[str, Any]) -> None:
        if "end" in message:
            for pid, number in self._programs.items():
                if number == message["end"]:
                    os.kill(pid, signal.SIGTERM)
            return
        standard, self._descriptors = self._descriptors[:3], self._descriptors[3:]
        program = Program(
            arguments=message["arguments"],
            environment=self._settings["environment"],
            directory=Path(self._settings["directory"]),
            standard=standard,
            limits=self._limits,
        )
        try:
            self._programs[start(program)] = message["start"]
        except OSError:  # no process or no memory to be had
            _send(
                self._control,
                {"ended": message["start"], "status": EXIT_NOT_STARTED, "exceeded": None},
            )
        for descriptor in standard:
            os.close(descriptor)

    def _collect(self) -> None:
        """Report the programs that ended, and end what outlived the process that held it."""
        held = True
        while held:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            held = pid != 0
            if pid in self._programs:
                code = os.waitstatus_to_exitcode(status)
                if code < 0:
                    self._end_strays()
                self._report(pid, code if code >= 0 else EXIT_BY_SIGNAL - code)

    def _end_strays(self) -> None:
        """A program killed the process that held it: its other processes are children now."""
        while strays := [pid for pid in children(os.getpid()) if pid not in self._programs]:
            for pid in strays:
                for below in (pid, *descendants(pid)):
                    end(below)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(0.001)

    def _report(self, pid: int, status: int) -> None:
        number = self._programs.pop(pid)
        exceeded = self._exceeded.pop(pid, None)
        _send(self._control, {"ended": number, "status": status, "exceeded": exceeded})

    def _watch(self) -> None:
        """End the programs that use more of something than the session has."""
        most = self._limits.processes
        below = {pid: descendants(pid, most) for pid in self._programs}
        count = {pid: len(pids) for pid, pids in below.items()}
        if sum(count.values()) > most:
            self._exceed("processes", count, below)
            return
        memory = {pid: sum(map(resident_bytes, pids)) for pid, pids in below.items()}
        if sum(memory.values()) > self._limits.memory:
            self._exceed("memory", memory, below)
        self._watches += 1
        if self._watches % DISK_WATCHES == 0 and self._disk_usage() > self._settings["disk"]:
            self._exceed("disk", dict.fromkeys(self._programs, 1), below)

    def _exceed(
        self, what: str, used: Mapping[int, int], below: Mapping[int, Sequence[int]]
    ) -> None:
        """End the programs that use the most."""
        hurry(os.getpid())
        largest = max(used.values())
        for pid in [pid for pid in used if used[pid] == largest]:
            again = pid in self._exceeded
            if what == "processes" and again and self._settings["namespaces"]:
                # It makes processes faster than they are found: end all of the namespace.
                self._exceeded = dict.fromkeys(self._programs, what)
                os.kill(-1, signal.SIGKILL)
                return
            self._exceeded[pid] = what
            hurry(pid)
            for leader in below[pid][:1]:
                end_group(leader)
            os.kill(pid, signal.SIGTERM)

    def _disk_usage(self) -> int:
        return sum(disk_usage(path) for path in self._settings["writable"])
