"""Find the processes below a process, and end them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

from . import linux

EXIT_SECONDS = 5.0  # for the end of processes that are exiting, which takes milliseconds
MAX_LOOK_PAUSE = 0.05  # between two looks at all processes of the machine


def descendants(pid: int, most: int | None = None) -> list[int]:
    """Return the processes below `pid`, parents first.

    If there are more than `most`, the list may end after more than `most` of them. A process that
    starts in this moment may be missing.
    """
    table = None if linux.AVAILABLE else process_table()
    found = [pid]
    looked = 0
    while looked < len(found) and (most is None or len(found) <= most + 1):
        parent = found[looked]
        found += children(parent) if table is None else table.get(parent, [])
        looked += 1
    return found[1:]


def reap() -> bool:
    """Collect the children that have ended, and return whether any child is left.

    A subreaper without children has no descendants: every orphan below it becomes its child.
    """
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def end_descendants() -> None:
    """Kill the processes below this process until the kernel says that none is left."""
    while reap():
        for pid in descendants(os.getpid()):
            end(pid)
        time.sleep(0.001)


def end(pid: int) -> None:
    # On macOS a zombie raises PermissionError. Programs here cannot change their user.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def end_group(leader: int) -> None:
    """Kill a group of processes at once: none can start meanwhile."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def prioritise(pid: int) -> None:
    """Run a process of ours before all others, if we may: thousands compete with it."""
    with contextlib.suppress(PermissionError, ProcessLookupError):
        linux.schedule(pid, first=True)


def user_tasks() -> int:
    """Count the processes and threads of this user, as RLIMIT_NPROC does. Linux only."""
    count = 0
    for pid in all_processes():
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{pid}/task"))
    return count


def end_marked(variable: str, value: str) -> None:
    """Kill the processes that have a variable in their environment, and wait for their end.

    Nothing else identifies the processes of a session whose supervisor was killed. A process that
    is exiting has no environment any more and may be one of them, so wait for those, too: they
    end soon, unless a device holds them. Linux only.
    """
    mark = f"{variable}={value}".encode()
    deadline = time.monotonic() + EXIT_SECONDS
    pause = 0.001
    ending = all_processes()
    while True:
        marked = [pid for pid in all_processes() if mark in environment_of(pid)]
        ending = [pid for pid in {*ending, *marked} if pid in marked or is_exiting(pid)]
        if not ending or (not marked and time.monotonic() > deadline):
            return
        for pid in marked:
            end(pid)
        time.sleep(pause)
        pause = min(2 * pause, MAX_LOOK_PAUSE)


def all_processes() -> list[int]:
    if not linux.AVAILABLE:
        return []
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def is_exiting(pid: int) -> bool:
    """Return whether a process is on its way to its end, but no zombie yet."""
    try:
        state, *numbers = read_bytes(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    except OSError:
        return False
    return state not in (b"Z", b"X") and bool(int(numbers[5]) & linux.PF_EXITING)


def environment_of(pid: int) -> list[bytes]:
    try:
        return read_bytes(f"/proc/{pid}/environ").split(b"\0")
    except OSError:  # it has ended, is a zombie, or belongs to another user
        return []


def children(pid: int) -> list[int]:
    """Return the children of a process. On Linux, children belong to its threads."""
    if not linux.AVAILABLE:
        return process_table().get(pid, [])
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    found: list[int] = []
    for thread in threads:
        with contextlib.suppress(OSError):
            found += map(int, read_bytes(f"/proc/{pid}/task/{thread}/children").split())
    return found


def read_bytes(path: str) -> bytes:
    """Read a file of /proc. Sessions read hundreds each second; `pathlib` takes thrice the time."""
    with open(path, "rb", buffering=0) as file:
        return file.read()


def process_table() -> dict[int, list[int]]:
    """Return parents and their children by means of `ps`, where there is no /proc."""
    with subprocess.Popen(
        ["/bin/ps", "-axo", "pid=,ppid="], stdout=subprocess.PIPE, text=True
    ) as listing:
        lines, _ = listing.communicate()
    table: dict[int, list[int]] = {}
    for line in lines.splitlines():
        pid, parent = map(int, line.split())
        if pid != listing.pid:
            table.setdefault(parent, []).append(pid)
    return table
