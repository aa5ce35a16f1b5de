"""Linux system calls for which Python has no function. Elsewhere `AVAILABLE` is false."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Mapping
from pathlib import Path

AVAILABLE = sys.platform == "linux"

if sys.platform == "linux":
    O_PATH = os.O_PATH
else:
    O_PATH = 0

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18

PF_EXITING = 0x4  # among a process's flags in /proc/<pid>/stat

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

CAPABILITY_VERSION = 0x20080522

SYS_MOUNT_SETATTR = 442  # the same on every architecture, as are all newer than Linux 5.1
AT_FDCWD = -100
AT_RECURSIVE = 0x8000
MOUNT_ATTR_RDONLY = 0x1


class MountAttributes(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


libc = ctypes.CDLL(None, use_errno=True)


def check_result(result: int, call: str) -> None:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), call)


def become_subreaper(become: bool = True) -> None:
    """Make every orphan below this process its child, not a child of process 1."""
    check_result(libc.prctl(PR_SET_CHILD_SUBREAPER, int(become), 0, 0, 0), "prctl")


def signal_on_parents_death(signal_number: int) -> None:
    """Have the kernel send a signal when the thread that made this process ends."""
    check_result(libc.prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0), "prctl")


def schedule(pid: int, *, first: bool) -> None:
    """Run a process before all others, which needs a privilege, or with ordinary priority."""
    if sys.platform == "linux":
        policy, priority = (os.SCHED_RR, 1) if first else (os.SCHED_OTHER, 0)
        os.sched_setscheduler(pid, policy, os.sched_param(priority))


def give_up_privileges() -> None:
    """Ignore set-user-id bits and, from the next exec on, have no capability, not even as root."""
    check_result(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1


def drop_capabilities() -> None:
    """Have no capability from now on, as after an exec of a process that gave up its privileges."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    check_result(libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


@functools.cache
def argument_areas() -> tuple[range, range]:
    """Return where the command line and the environment are that /proc shows of this process."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end, environment_start, environment_end = map(int, fields[45:49])
    return range(start, end), range(environment_start, environment_end)


def show_process(title: str, environment: Mapping[str, str]) -> None:
    """Set the command line and the environment that /proc shows of this process, cut to fit.

    Nothing of the program may still refer to those with which it started.
    """
    titles, variables = argument_areas()
    # The kernel takes a last byte that is not zero for the sign of a title.
    write_area(titles, os.fsencode(title)[: len(titles) - 2].ljust(len(titles) - 1, b"\0") + b" ")
    shown = "\0".join(f"{name}={value}" for name, value in environment.items())
    write_area(variables, os.fsencode(shown)[: len(variables) - 1].ljust(len(variables), b"\0"))


def write_area(area: range, data: bytes) -> None:
    if area.start:  # some systems that resemble Linux show none
        ctypes.memmove(area.start, data, len(area))


def unshare(flags: int) -> None:
    check_result(libc.unshare(flags), "unshare")


def mount(source: str | None, target: str, kind: str | None, flags: int) -> None:
    arguments = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    check_result(libc.mount(*arguments, ctypes.c_ulong(flags), None), f"mount {target}")


def set_read_only(path: str, read_only: bool, *, recursive: bool = False) -> None:
    """Make a mount, or all mounts below it, read-only or writable."""
    attributes = MountAttributes()
    if read_only:
        attributes.attr_set = MOUNT_ATTR_RDONLY
    else:
        attributes.attr_clr = MOUNT_ATTR_RDONLY
    result = libc.syscall(
        ctypes.c_long(SYS_MOUNT_SETATTR),
        ctypes.c_long(AT_FDCWD),
        os.fsencode(path),
        ctypes.c_ulong(AT_RECURSIVE if recursive else 0),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    check_result(result, f"mount_setattr {path}")
