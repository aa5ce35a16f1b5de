"""Remove a directory, whatever is in it."""

from __future__ import annotations

import os
import stat
from itertools import count
from pathlib import Path


def remove_tree(directory: Path) -> None:
    """Remove a directory that no program writes to, if it exists.

    Unlike `shutil.rmtree`, remove folders without permissions, and folders nested deeper than
    Python recurses or a path is long: move each folder to the top before emptying it.
    """
    if directory.is_symlink() or not directory.exists():
        directory.unlink(missing_ok=True)
        return
    numbers = count()
    folders = [directory]
    while folders:
        folder = folders.pop()
        os.chmod(folder, stat.S_IRWXU)
        with os.scandir(folder) as entries:
            found = list(entries)
        for entry in found:
            if not entry.is_dir(follow_symlinks=False):
                Path(entry.path).unlink()
            elif folder == directory:
                folders.append(Path(entry.path))
            else:
                moved = free_name(directory, numbers)
                # To be moved, a folder must be writable: its ".." changes.
                os.chmod(entry.path, stat.S_IRWXU)
                Path(entry.path).rename(moved)
                folders.append(moved)
        if folder != directory:
            folder.rmdir()
    directory.rmdir()


def free_name(directory: Path, numbers: count[int]) -> Path:
    while (path := directory / f".removed-{next(numbers)}").exists() or path.is_symlink():
        pass
    return path
