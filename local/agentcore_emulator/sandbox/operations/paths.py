"""Find a file below a directory without ever leaving the directory.

Code in the sandbox may change links and folders while we follow a path. Therefore we open each
folder from its parent's descriptor and follow links ourselves, so that we use exactly the
folders that we checked.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from agentcore_emulator.sandbox.results import ToolError

MOST_LINKS = 40  # the kernel's own limit
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@dataclass(frozen=True)
class Place:
    """An entry of an open folder. The top folder itself is the entry `.` of the top folder."""

    folder: int
    name: str


class Root:
    """A directory, held open until it is closed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor = os.open(directory, OPEN_FOLDER)

    def close(self) -> None:
        os.close(self._descriptor)

    def find(
        self,
        path: PurePosixPath,
        opened: ExitStack,
        *,
        follow: bool = True,
        made: list[Place] | None = None,
    ) -> Place:
        """Find the folder and the name of a relative path.

        The descriptors stay open as long as `opened`. A link at the path's end is followed unless
        `follow` is false. If `made` is a list, missing folders are made and added to the list.
        The entry itself may be missing; open it with O_NOFOLLOW.

        :raises ToolError: if the path leads out of the directory.
        :raises OSError: if a folder of the path does not exist.
        """
        folders = [self._descriptor]
        parts = deque(path.parts)
        links = 0
        while parts:
            part = parts.popleft()
            if part == "..":
                if len(folders) == 1:
                    raise ToolError(f"The path leads out of the session's directory: {path}")
                folders.pop()
                continue
            if not parts and not follow:
                return Place(folders[-1], part)
            target = link_target(part, folders[-1])
            if target is None:
                if not parts:
                    return Place(folders[-1], part)
                folders.append(open_folder(part, folders[-1], made, opened))
                continue
            links += 1
            if links > MOST_LINKS:
                raise ToolError(f"The path has too many symbolic links: {path}")
            if target.is_absolute():
                if not target.is_relative_to(self._directory):
                    raise ToolError(f"The path leads out of the session's directory: {path}")
                target = target.relative_to(self._directory)
                folders = [self._descriptor]
            parts.extendleft(reversed(target.parts))
        return Place(folders[-1], ".")


def link_target(name: str, folder: int) -> PurePosixPath | None:
    try:
        return PurePosixPath(os.readlink(name, dir_fd=folder))
    except OSError:  # it is no link, or does not exist
        return None


def open_folder(name: str, folder: int, made: list[Place] | None, opened: ExitStack) -> int:
    if made is not None:
        try:
            os.mkdir(name, dir_fd=folder)
        except FileExistsError:
            pass
        else:
            made.append(Place(folder, name))
    descriptor = os.open(name, OPEN_FOLDER, dir_fd=folder)
    opened.callback(os.close, descriptor)
    return descriptor
