"""What a session uses."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def disk_usage(directory: str) -> int:
    """Bytes that the files below a directory occupy, read without following links."""
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
    """Memory of a process that it shares with no file and no other process; 0 once it ended."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
