"""The session: starts programs when the emulator asks for them, and watches what they use."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from . import linux, namespaces
from .messages import Command, Configuration, Excess, StartProgram, send_report
from .processes import (
    all_processes,
    children,
    descendants,
    end,
    end_descendants,
    end_group,
    prioritise,
)
from .program import EXIT_BY_SIGNAL, EXIT_NOT_STARTED, Limits, Program, start
from .usage import disk_usage, resident_bytes

# Between two watches, while the programs' use changes; elsewhere than on Linux each runs `ps`.
WATCH_SECONDS = 0.1 if linux.AVAILABLE else 1.0
IDLE_WATCH_SECONDS = 8 * WATCH_SECONDS
DISK_WATCHES = 10  # the files are measured once in so many watches


class SessionProcess:
    """Runs until the socket closes, and ends all programs then."""

    def __init__(self, control: socket.socket, settings: Configuration) -> None:
        self._control = control
        self._settings = settings
        self._limits = Limits(**settings["limits"])
        self._programs: dict[int, int] = {}  # by process
        self._exceeded: dict[int, Excess] = {}
        self._received = b""
        self._descriptors: list[int] = []
        self._watches = 0
        self._used = (0, 0)  # processes and bytes of memory, at the last watch
        self._seconds = WATCH_SECONDS  # until the next watch

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
        send_report(self._control, {"ready": True})
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
                ready = selector.select(self._seconds if self._programs else None)
                for key, _ in ready:
                    if key.fileobj is woken:
                        woken.recv(4096)
                    elif not self._receive():
                        return
                self._collect()
                if self._programs and time.monotonic() - watched >= self._seconds:
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
            self._handle_message(json.loads(line))
        return bool(data)

    def _handle_message(self, message: Command) -> None:
        if "end" in message:
            self._end_program(message["end"])
        else:
            standard, self._descriptors = self._descriptors[:3], self._descriptors[3:]
            self._start_program(message, standard)

    def _end_program(self, number: int) -> None:
        for pid, started in self._programs.items():
            if started == number:
                os.kill(pid, signal.SIGTERM)

    def _start_program(self, message: StartProgram, standard: Sequence[int]) -> None:
        self._seconds = WATCH_SECONDS
        program = Program(
            arguments=message["arguments"],
            environment=self._settings["environment"],
            directory=Path(self._settings["directory"]),
            standard=standard,
            limits=self._limits,
            is_kernel=message["is_kernel"],
        )
        try:
            self._programs[start(program)] = message["start"]
        except OSError:  # the machine has no process or no memory left
            send_report(
                self._control,
                {"ended": message["start"], "status": EXIT_NOT_STARTED, "exceeded": None},
            )
        for descriptor in standard:
            os.close(descriptor)

    def _collect(self) -> None:
        """Report the programs that ended, and end the processes that outlived their holder."""
        collected = True
        while collected:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            collected = pid != 0
            if pid in self._programs:
                code = os.waitstatus_to_exitcode(status)
                if code < 0:
                    self._end_strays()
                self._report(pid, code if code >= 0 else EXIT_BY_SIGNAL - code)

    def _end_strays(self) -> None:
        """End the processes of a program that killed its holder: they are our children now."""
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
        send_report(self._control, {"ended": number, "status": status, "exceeded": exceeded})

    def _watch(self) -> None:
        """End programs if the session uses more than its limits allow.

        While nothing changes, watch less often.
        """
        used = self._measure()
        self._seconds = min(2 * self._seconds, IDLE_WATCH_SECONDS)
        if used != self._used:
            self._used, self._seconds = used, WATCH_SECONDS
        count, memory = used
        self._watches += 1
        if count > self._limits.processes:
            self._exceed("processes", len)
        elif memory > self._limits.memory:
            self._exceed("memory", lambda pids: sum(map(resident_bytes, pids)))
        elif self._watches % DISK_WATCHES == 0 and self._disk_usage() > self._settings["disk"]:
            self._exceed("disk", lambda _: 1)

    def _measure(self) -> tuple[int, int]:
        """Return the number of the programs' processes, and the bytes of memory that they use."""
        if self._settings["namespaces"]:
            ours = {os.getpid(), *self._programs}
            pids = [pid for pid in all_processes() if pid not in ours]
        else:
            pids = [pid for holder in self._programs for pid in self._below(holder)]
        if len(pids) > self._limits.processes:
            return len(pids), 0
        return len(pids), sum(map(resident_bytes, pids))

    def _below(self, holder: int) -> Sequence[int]:
        return descendants(holder, self._limits.processes)

    def _exceed(self, excess: Excess, measure: Callable[[Sequence[int]], int]) -> None:
        """End the programs that use the most; `measure` returns the use of some processes."""
        prioritise(os.getpid())
        below = {pid: self._below(pid) for pid in self._programs}
        used = {pid: measure(pids) for pid, pids in below.items()}
        largest = max(used.values())
        for pid in [pid for pid in used if used[pid] == largest]:
            again = pid in self._exceeded
            if excess == "processes" and again and self._settings["namespaces"]:
                # It starts processes faster than we find them: end all of the namespace.
                self._exceeded = dict.fromkeys(self._programs, excess)
                os.kill(-1, signal.SIGKILL)
                return
            self._exceeded[pid] = excess
            prioritise(pid)
            for leader in below[pid][:1]:
                end_group(leader)
            os.kill(pid, signal.SIGTERM)

    def _disk_usage(self) -> int:
        return sum(disk_usage(path) for path in self._settings["writable"])
