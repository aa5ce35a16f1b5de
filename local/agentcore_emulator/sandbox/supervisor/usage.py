"""Measure the disk space and memory that a session uses."""

from __future__ import annotations

import contextlib
import os

from .processes import read_bytes


def disk_usage(directory: str) -> int:
    """Return the bytes that the files below a directory occupy, without following links."""
    total = 0
    folders = [] if os.path.islink(directory) else [directory]
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
    return total


def resident_bytes(pid: int) -> int:
    """Return the memory that a process shares with no file or process; 0 once it has ended."""
    try:
        _, resident, shared, *_ = read_bytes(f"/proc/{pid}/statm").split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
