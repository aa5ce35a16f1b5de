"""Read, write, list and remove files in the directory of the session's programs."""

from __future__ import annotations

import mimetypes
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import Any

from agentcore_emulator.sandbox.environment import Folders
from agentcore_emulator.sandbox.operations.paths import OPEN_FOLDER, Place, Root
from agentcore_emulator.sandbox.results import Result, ToolError, message
from agentcore_emulator.sandbox.settings import SandboxSettings
from agentcore_emulator.sandbox.supervisor.removal import remove_tree
from agentcore_emulator.sandbox.supervisor.usage import disk_usage

MEDIA_TYPES = mimetypes.MimeTypes()  # Python's own table, not the machine's
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe without a writer must not block


class Files:
    """The four file operations. They block, so that they run in a thread.

    Each raises ToolError if it fails, and then has changed nothing.
    """

    def __init__(self, folders: Folders, settings: SandboxSettings) -> None:
        self._folders = folders
        self._settings = settings
        self._root = Root(folders.work)

    def close(self) -> None:
        self._root.close()

    def read(self, paths: Sequence[str]) -> Result:
        blocks = []
        left = self._settings.read_bytes
        for path in paths:
            relative = self._relative(path)
            with errors_explained(path):
                try:
                    data = self._read_file(relative, left)
                except FileNotFoundError:
                    if self._settings.missing_file == "omit":
                        continue
                    raise
            left -= len(data)
            blocks.append({"type": "resource", "resource": self._resource(relative, data)})
        return {"content": blocks, "isError": False}

    def write(self, items: Sequence[dict[str, Any]]) -> Result:
        files = [(self._relative(item["path"]), content_of(item)) for item in items]
        size = sum(len(data) for _, data in files)
        if disk_usage(str(self._folders.work)) + size > self._settings.disk_bytes:
            raise ToolError(f"The session's disk has {self._settings.disk_bytes} bytes.")
        with self._staging() as staging:
            staged = [staging / str(number) for number in range(len(files))]
            for source, (path, data) in zip(staged, files, strict=True):
                with errors_explained(path):
                    source.write_bytes(data)
            self._place([(source, path) for source, (path, _) in zip(staged, files, strict=True)])
        return message(f"Successfully wrote all {len(files)} files")

    def list(self, folder: str) -> Result:
        relative = self._relative(folder)
        with ExitStack() as opened, errors_explained(folder):
            place = self._root.find(relative, opened)
            descriptor = os.open(place.name, OPEN_FOLDER, dir_fd=place.folder)
            opened.callback(os.close, descriptor)
            with os.scandir(descriptor) as entries:
                found = sorted(
                    (entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries
                )
        return {"content": [link_block(relative, *entry) for entry in found], "isError": False}

    def remove(self, paths: Sequence[str]) -> Result:
        with self._staging() as staging, ExitStack() as opened, ExitStack() as undo:
            for number, path in enumerate(paths):
                target = staging / str(number)
                with errors_explained(path):
                    place = self._root.find(self._relative(path), opened, follow=False)
                    if place.name == ".":
                        raise ToolError("The session's directory itself cannot be removed.")
                    if not self._settings.remove_folders and is_folder(place):
                        raise ToolError(f"Not a file: {path}")
                    os.rename(place.name, target, src_dir_fd=place.folder)
                undo.callback(os.rename, target, place.name, dst_dir_fd=place.folder)
            undo.pop_all()
        return message(f"Successfully removed all {len(paths)} files")

    def _read_file(self, path: PurePosixPath, limit: int) -> bytes:
        with ExitStack() as opened:
            place = self._root.find(path, opened)
            with open(os.open(place.name, READ, dir_fd=place.folder), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise ToolError(f"Not a file: {path}")
                data = file.read(min(status.st_size, limit) + 1)
        if len(data) > limit:
            raise ToolError(
                f"The files have more than {self._settings.read_bytes} bytes, "
                f"which is the most one call returns: {path}"
            )
        return data

    def _resource(self, path: PurePosixPath, data: bytes) -> Result:
        guess, _ = MEDIA_TYPES.guess_type(path.name)
        text = decode_text(data)
        kind = "blob" if text is None else "text"
        default = "application/octet-stream" if text is None else "text/plain"
        resource = {
            "uri": f"file:///{path}",
            "mimeType": guess or default,
            kind: data if text is None else text,
        }
        return {"type": kind, **resource} if self._settings.resource_type else resource

    def _place(self, files: Sequence[tuple[Path, PurePosixPath]]) -> None:
        """Move files to their places, all or none."""
        with ExitStack() as opened, ExitStack() as undo:
            for source, path in files:
                made: list[Place] = []
                with errors_explained(path):
                    try:
                        place = self._root.find(path, opened, made=made)
                    finally:
                        for folder in made:
                            undo.callback(remove_folder, folder)
                    undo.callback(self._replace(source, place, path))
            undo.pop_all()

    def _relative(self, path: str) -> PurePosixPath:
        """Return the path relative to the session's directory."""
        if "\0" in path:
            raise ToolError("A path contains a NUL character.")
        if self._settings.absolute_paths == "strip":
            path = path.lstrip("/")
        relative = PurePosixPath(path.encode("utf-8", "replace").decode())
        if relative.is_absolute():
            raise ToolError(f"The path must be relative to the session's directory: {path}")
        return relative

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        """Make a folder on the same disk, for files on their way in or out."""
        folder = Path(mkdtemp(dir=self._folders.staging))
        try:
            yield folder
        finally:
            with suppress(OSError):  # the end of the session removes the rest
                remove_tree(folder)

    def _replace(self, source: Path, place: Place, path: PurePosixPath) -> Callable[[], None]:
        """Move a file to its place, and return a function that undoes the move.

        The file gets the mode of the file that it replaces.
        """
        try:
            status = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
        except FileNotFoundError:
            os.rename(source, place.name, dst_dir_fd=place.folder)
            return lambda: os.unlink(place.name, dir_fd=place.folder)
        if not stat.S_ISREG(status.st_mode):
            raise ToolError(f"Not a file: {path}")
        before = source.with_suffix(".before")
        os.link(place.name, before, src_dir_fd=place.folder, follow_symlinks=False)
        source.chmod(stat.S_IMODE(status.st_mode))
        os.rename(source, place.name, dst_dir_fd=place.folder)
        return lambda: os.rename(before, place.name, dst_dir_fd=place.folder)


@contextmanager
def errors_explained(path: object) -> Iterator[None]:
    """Turn an error of the operating system into a ToolError about the path."""
    try:
        yield
    except FileNotFoundError:
        raise ToolError(f"File not found: {path}") from None
    except OSError as error:
        raise ToolError(f"{error.strerror}: {path}") from None


def content_of(item: dict[str, Any]) -> bytes:
    if "text" in item:
        return str(item["text"]).encode("utf-8", "replace")
    if "blob" in item:
        return bytes(item["blob"])
    raise ToolError(f"A file needs 'text' or 'blob': {item['path']}")


def decode_text(data: bytes) -> str | None:
    """Return the text in a file's bytes, or None if they are no text."""
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def link_block(folder: PurePosixPath, name: str, leads_to_folder: bool) -> Result:
    text = os.fsencode(name).decode("utf-8", "replace")
    block = {"type": "resource_link", "uri": f"file:///{folder / text}", "name": text}
    if leads_to_folder:
        return {**block, "description": "Directory"}
    guess, _ = MEDIA_TYPES.guess_type(text)
    return {**block, "description": "File", "mimeType": guess or "application/octet-stream"}


def is_folder(place: Place) -> bool:
    status = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
    return stat.S_ISDIR(status.st_mode)


def remove_folder(place: Place) -> None:
    with suppress(OSError):  # a program may have put a file into it
        os.rmdir(place.name, dir_fd=place.folder)
