"""The tree of processes below one, and its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from . import linux


def descendants(pid: int, most: int | None = None) -> list[int]:
    """The processes below `pid`, parents first. If there are more than `most`, more than `most`
    of them, but not all. One that is being born may be missing."""
    table = None if linux.AVAILABLE else process_table()
    found = [pid]
    looked = 0
    while looked < len(found) and (most is None or len(found) <= most + 1):
        parent = found[looked]
        found += children(parent) if table is None else table.get(parent, [])
        looked += 1
    return found[1:]


def reap() -> bool:
    """Collect the children that have ended. Return whether any child is left.

    For a subreaper no child means no descendant: every orphan below it becomes its child.
    """
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def end_descendants() -> None:
    """Kill what is below this process, again and again until the kernel says it is alone."""
    while reap():
        for pid in descendants(os.getpid()):
            end(pid)
        time.sleep(0.001)


def end(pid: int) -> None:
    # A PermissionError is a zombie of macOS: no program here can change its user, see linux.py.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def end_group(leader: int) -> None:
    """Kill a group of processes at once: none can be born while that happens."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def hurry(pid: int) -> None:
    """Let a process of ours go before all others, if we may: thousands compete with it."""
    with contextlib.suppress(PermissionError, ProcessLookupError):
        linux.schedule(pid, first=True)


def user_tasks() -> int:
    """Processes and threads of this user, as RLIMIT_NPROC counts them. Linux only."""
    count = 0
    for pid in all_processes():
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{pid}/task"))
    return count


def end_marked(variable: str, value: str) -> None:
    """Kill the processes that were started with a variable in their environment, which is all
    that can be known of a session whose supervisor was killed. Linux only."""
    mark = f"{variable}={value}".encode()
    while found := [pid for pid in all_processes() if mark in environment_of(pid)]:
        for pid in found:
            end(pid)
        time.sleep(0.001)


def all_processes() -> list[int]:
    if not linux.AVAILABLE:
        return []
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it ended, is a zombie, or is another user's
        return []


def children(pid: int) -> list[int]:
    """The children of a process. In Linux it is its threads that have them."""
    if not linux.AVAILABLE:
        return process_table().get(pid, [])
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    found: list[int] = []
    for thread in threads:
        try:
            text = Path(f"/proc/{pid}/task/{thread}/children").read_text()
        except OSError:
            continue
        found += map(int, text.split())
    return found


def process_table() -> dict[int, list[int]]:
    """Parents and their children where there is no /proc, without the `ps` that lists them."""
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
