"""Commands for files: `upload`, `download`, `ls`, `push` and `pull`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .failures import PARTIAL, UsageError
from .output import note, show_json, warn, write
from .programs import Json
from .target import Target, takes_target

if TYPE_CHECKING:
    from ..function import Response
    from ..session import Session
    from ..transfers import Progress

UNITS = ("KiB", "MiB", "GiB")


@takes_target
def upload(
    target: Target,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Files, or folders with all in them."),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The name in the sandbox of a single file or folder. Default: its own.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Put files into the workspace. Each sandbox of the session gets them from there."""
    if name is not None and len(paths) > 1:
        raise UsageError("--name is for a single file: leave it out, or upload one at a time")
    from ..transfers import upload_all  # here, because botocore takes its time

    files = [
        found
        for path in paths
        for found in files_below(path, own_name(path) if name is None else name)
    ]
    check_names([(str(file), target_name) for file, target_name in files])
    session = target.named_session()
    with Bar("uploading") as bar:
        bar.expect(sum(file.stat().st_size for file, _ in files))
        written = upload_all(session.upload, files, bar.of)
    if not files:
        note("there is no file to upload")
    for path in written:
        write(sys.stdout, path)
    return 0


@takes_target
def download(
    target: Target,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Files of the workspace. A name without a folder is that of a saved file.",
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="The file to write, or a folder for the files, which is there or ends with a "
            "slash. Default: the current folder.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Write files of the workspace to this machine."""
    check_names([(path, PurePosixPath(path).name) for path in paths])
    if to is not None and len(paths) > 1:
        Path(to).mkdir(parents=True, exist_ok=True)
    session = target.named_session()
    written: list[Path] = []
    try:
        with Bar("downloading") as bar:
            for path in paths:
                written.append(session.download(path, to, progress=bar.of(path)))
    finally:
        for file in written:
            write(sys.stdout, str(file))
    return 0


@takes_target
def ls(
    target: Target,
    path: Annotated[str, typer.Argument(metavar="[FOLDER]", help="A folder.")] = "",
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="List the sandbox's files, not the workspace's.")
    ] = False,
    as_json: Json = False,
) -> int:
    """List the files of the workspace, or of the sandbox."""
    session = target.named_session()
    if as_json:
        for response in listings(session, path, in_sandbox=sandbox):
            show_json(response)
        return 0
    write(sys.stdout, sandbox_table(session, path) if sandbox else workspace_table(session, path))
    return 0


@takes_target
def push(
    target: Target,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH...]",
            help="Files and folders of the sandbox. Default: all in the working directory.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Save files of the sandbox in the workspace."""
    response = target.named_session().request("ci_push_to_workspace", paths=paths or None)
    return show_transfer(response, "files_saved", as_json=as_json)


@takes_target
def pull(
    target: Target,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH...]",
            help="Files and folders of the workspace. Default: all that were saved.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Copy files of the workspace into the sandbox."""
    response = target.named_session().request("ci_pull_from_workspace", paths=paths or None)
    return show_transfer(response, "files_loaded", as_json=as_json)


def register(app: typer.Typer) -> None:
    for command in (upload, download, ls, push, pull):
        app.command()(command)


def own_name(path: Path) -> str:
    """Return the name of a file, which may be a link, or of a folder, which may be `.`."""
    return path.name if path.name not in ("", "..") else path.resolve().name


def check_names(files: Sequence[tuple[str, str]]) -> None:
    """Check that no file would replace another one of the same command.

    :param files: Each file, and its name where it is transferred to.
    :raises UsageError: if two of them have the same name there
    """
    known: dict[str, str] = {}
    for file, name in files:
        if name in known:
            raise UsageError(
                f"{known[name]} and {file} would both be written to {name}; transfer them one at "
                "a time, under two names"
            )
        known[name] = file


def files_below(path: Path, name: str) -> Iterator[tuple[Path, str]]:
    """Yield a file, or all files below a folder, each with its name in the sandbox."""
    if not path.is_dir():
        yield path, name
        return
    for file in sorted(path.rglob("*")):
        if file.is_file():
            yield file, str(PurePosixPath(name, file.relative_to(path).as_posix()))


def listings(session: Session, path: str, *, in_sandbox: bool) -> Iterator[Response]:
    """Yield the responses that list a folder."""
    if in_sandbox:
        yield session.request("file_operations", operation="list", paths=[path or "."])
        return
    token: str | None = None
    while True:
        page = session.request("workspace_list", path=path or None, next_token=token)
        yield page
        token = page.get("next_token")
        if token is None:
            return


def workspace_table(session: Session, path: str) -> str:
    """Return the files of the workspace: size, local time of the last change, path, problem."""
    rows = [
        (
            readable_size(file.size),
            f"{datetime.fromisoformat(file.last_modified).astimezone():%Y-%m-%d %H:%M:%S}",
            file.path + (f"  ({file.problem})" if file.problem else ""),
        )
        for file in session.ls(path)
    ]
    return table(rows)


def sandbox_table(session: Session, path: str) -> str:
    """Return the files and folders in a folder of the sandbox: size, name."""
    rows = [
        (
            "" if entry.size is None else readable_size(entry.size),
            entry.name + ("/" if entry.is_folder else ""),
        )
        for entry in session.list(path or ".")
    ]
    return table(rows)


def readable_size(size: int) -> str:
    """Return a number of bytes in the smallest unit in which it is shown as less than 1024."""
    shown, number = f"{size} B", float(size)
    for unit in UNITS:
        if round(number, 1) < 1024:
            break
        number /= 1024
        shown = f"{number:.1f} {unit}"
    return shown


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns; the first column has numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].rjust(widths[0]), *map(str.ljust, row[1:], widths[1:])]).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def show_transfer(response: Response, member: str, *, as_json: bool) -> int:
    """Print the files that were transferred, and return the exit code."""
    warnings = response.get("warnings", ())
    if as_json:
        show_json(response)
    else:
        write(sys.stdout, "\n".join(response[member]))
        for warning in warnings:
            warn(warning)
    return PARTIAL if warnings else 0


class Bar:
    """A progress bar on a terminal, for all the files of a command."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._done: dict[str, int] = {}
        self._totals: dict[str, int] = {}
        self._expected = 0
        self._lock = threading.Lock()
        self._progress: Any = None
        self._task: Any = None

    def __enter__(self) -> Bar:
        if sys.stderr is not None and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )

            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._progress.add_task(self._title, total=None)
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def expect(self, total: int) -> None:
        """Say how many bytes there are, if they are known before the first file begins."""
        self._expected = total

    def of(self, name: str) -> Progress | None:
        """Return the function that a transfer tells its progress, if somebody can see it."""
        if self._progress is None:
            return None

        def report(done: int, total: int | None) -> None:
            with self._lock:
                self._done[name] = done
                self._totals[name] = total or 0
                self._progress.update(
                    self._task,
                    completed=sum(self._done.values()),
                    total=self._expected or sum(self._totals.values()) or None,
                )

        return report
