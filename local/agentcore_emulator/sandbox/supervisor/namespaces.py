"""Linux namespaces: programs see and write only the processes and files of their session.

`kill -9 -1`, `rm -rf ~` and a file left in /tmp are ordinary accidents of code that a model
wrote; namespaces contain them. They are no boundary for hostile code.

The system calls are those of bubblewrap. Our own code needs no installation, and makes process 1
of the namespace the session's, which limits the tasks in it and can end them all at once.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path

from . import linux

TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 (a session has its own folder there)

FIRST_FREE_NUMBER = 300  # the kernel starts here when it reuses numbers


def probe(directory: str) -> None:
    """Make namespaces, and exit with 0 if this machine allows it."""
    if not linux.AVAILABLE:
        sys.exit(1)
    enter()
    pid = os.fork()
    if pid == 0:
        status = 1
        with contextlib.suppress(OSError):
            path = Path(directory)
            mount([path], temporary=path, needed=[path], hidden=[], tasks=1000)
            (path / "written").touch()
            status = 0
        os._exit(status)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def enter() -> None:
    """Make the namespaces; the next child is process 1 in them."""
    flags = linux.CLONE_NEWPID | linux.CLONE_NEWIPC
    user, group = os.geteuid(), os.getegid()
    if user != 0:
        linux.unshare(flags | linux.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    else:
        linux.unshare(flags)


def mount(
    writable: list[Path],
    *,
    temporary: Path,
    needed: list[Path],
    hidden: list[Path],
    tasks: int,
) -> None:
    """Make all files read-only except in `writable`, for this process and its children.

    `temporary` replaces the machine's folders for temporary files, but the paths in `needed` (the
    session's directory, the interpreters) stay visible. `hidden` folders look empty. `tasks` is
    about the number of tasks that can exist, if the kernel can limit them.
    """
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    limit_tasks(tasks)
    for path in writable:
        linux.mount(str(path), str(path), None, linux.MS_BIND)
    linux.set_read_only("/", True, recursive=True)
    for path in writable:
        linux.set_read_only(str(path), False)
    covered = [path for path in needed if any(path.is_relative_to(top) for top in TEMPORARY)]
    kept = [(path, os.open(path, linux.O_PATH)) for path in covered]
    source = os.open(temporary, linux.O_PATH)
    for top in TEMPORARY:
        if Path(top).is_dir():
            linux.mount(f"/proc/self/fd/{source}", top, None, linux.MS_BIND)
    os.close(source)
    for path, descriptor in kept:
        mount_again(path, descriptor)
    for path in hidden:
        if path.is_dir():
            linux.mount("tmpfs", str(path), "tmpfs", linux.MS_RDONLY)


def limit_tasks(number: int) -> None:
    """Limit the process numbers of the namespace; before Linux 6.14 the limit was the machine's."""
    version = tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])
    if version >= (6, 14):
        with contextlib.suppress(OSError):
            Path("/proc/sys/kernel/pid_max").write_text(str(FIRST_FREE_NUMBER + number))


def mount_again(path: Path, descriptor: int) -> None:
    """Mount an opened file or folder again at its path, which another mount has covered."""
    source = f"/proc/self/fd/{descriptor}"
    if not path.exists():
        if Path(source).is_dir():
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    linux.mount(source, str(path), None, linux.MS_BIND | linux.MS_REC)
    os.close(descriptor)
