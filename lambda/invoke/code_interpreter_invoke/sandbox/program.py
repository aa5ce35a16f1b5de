"""A program that runs inside the sandbox, and never in the function.

The function sends the text of this file as a command (`python3 -I -c <text> <request>`). The
request is JSON in ASCII. So is the result, which follows the request's marker on a line of its own:
both pass through a terminal. The program needs nothing but Python 3.8 or later. It opens only URLs
that the function signed.

An action imports what it alone needs: the imports are most of what a command takes.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from pathlib import Path

TYPE_CHECKING = False  # typing need not be imported for the name
if TYPE_CHECKING:
    from typing import Any

BLOCK = 1 << 20
# Seconds without a byte, and seconds to connect.
NETWORK_SECONDS = 20
# The most that is read of a program's output at once, in bytes.
READ_BYTES = 1_000_000
# Seconds between two interrupts of a program.
SIGNAL_SECONDS = 2.0


def inventory(
    paths: list[str] | None,
    skipped: list[str],
    hashed_bytes: int,
    skipped_until: float = float("inf"),
) -> list[dict[str, str | int]]:
    """Describe the regular files below `paths`, or else those directly in the working directory.

    See `describe_file`; entries of the working directory that are in `skipped` are left out, unless
    they have changed since `skipped_until`, in seconds since the epoch.
    """
    if paths is None:
        entries = sorted(os.scandir("."), key=lambda entry: entry.name)
        paths = [
            entry.name
            for entry in entries
            if entry.is_file(follow_symlinks=False)
            and (entry.name not in skipped or changed_at(entry) > skipped_until)
        ]
    files = []
    for path in paths:
        if Path(path).is_dir() and not Path(path).is_symlink():
            for folder, folders, names in os.walk(path):
                folders.sort()
                files += [describe_file(Path(folder, name), hashed_bytes) for name in sorted(names)]
        else:
            files.append(describe_file(Path(path), hashed_bytes))
    return files


def changed_at(entry: os.DirEntry[str]) -> float:
    """Return when a file was written or put in its place, whatever times its archive gave it."""
    status = entry.stat(follow_symlinks=False)
    return max(status.st_mtime, status.st_ctime)


def describe_file(path: Path, hashed_bytes: int) -> dict[str, str | int]:
    """Return the path, size and sha256 of a file, or its path and the problem with it.

    The sha256 of a file with more than `hashed_bytes` is empty.
    """
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return {"path": str(path), "problem": "it is not a regular file"}
        digest = ""
        if status.st_size <= hashed_bytes:
            import hashlib

            digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return {"path": str(path), "problem": error.strerror or "it cannot be read"}
    return {"path": str(path), "size": status.st_size, "sha256": digest}


def network_errors() -> tuple[type[Exception], ...]:
    """Return the errors of a transfer."""
    import http.client
    import socket
    from urllib.error import URLError

    return (
        URLError,
        http.client.HTTPException,
        ConnectionError,
        TimeoutError,
        socket.timeout,  # a TimeoutError from Python 3.10 on
    )


def download(path: str, url: str, size: int) -> str | None:
    """Download a file, whole or not at all, and return the network's error, if there is one."""
    import shutil
    from urllib.request import urlopen

    target = Path(path)
    # The target's own name may leave no room for an ending.
    partial = target.with_name(f".code-interpreter-{os.getpid()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with urlopen(url, timeout=NETWORK_SECONDS) as response, partial.open("wb") as file:
            shutil.copyfileobj(response, file, BLOCK)
        if partial.stat().st_size != size:
            return "the download was incomplete"
        partial.replace(target)
    except network_errors() as error:
        return network_error(error)
    finally:
        if partial.exists():
            partial.unlink()
    return None


def upload(path: str, url: str, size: int, content_type: str) -> str | None:
    """Upload a file of exactly `size` bytes, and return the network's error, if there is one."""
    from urllib.request import Request, urlopen

    headers = {"Content-Length": str(size), "Content-Type": content_type}
    with Path(path).open("rb") as file:
        if os.fstat(file.fileno()).st_size != size:
            raise ValueError("the file's size has changed")
        try:
            request = Request(url, file, headers, method="PUT")
            urlopen(request, timeout=NETWORK_SECONDS).close()
        except network_errors() as error:
            return network_error(error)
    return None


def network_error(error: Exception) -> str:
    """Return the kind of an error without its URL, which is a secret."""
    from urllib.error import HTTPError

    if isinstance(error, HTTPError):
        return f"S3 returned status {error.code}"
    return type(getattr(error, "reason", error)).__name__


def copy_part(path: str, offset: int, size: int, target: str) -> None:
    """Copy a part of a file as base64, which passes through a reader of text unchanged."""
    import base64

    Path(target).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("rb") as file:
        file.seek(offset)
        Path(target).write_bytes(base64.b64encode(file.read(size)))


def join_parts(parts: list[str], path: str) -> None:
    """Write a file from its parts."""
    import shutil

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("wb") as file:
        for name in parts:
            with Path(name).open("rb") as source:
                shutil.copyfileobj(source, file, BLOCK)


def remove_folder(folder: str) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def run_command(command: str, seconds: float) -> None:
    """Run a shell command and exit with its exit code, or return if it exceeds its time."""
    import signal
    import subprocess

    process = subprocess.Popen(["bash", "-c", command], start_new_session=True)
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return
    sys.exit(code if code >= 0 else 128 - code)


def end_program(folder: str, tag: str, seconds: float) -> str:
    """Interrupt the kernel's program that has a tag, or keep it from beginning.

    Return `waiting` if it never begins, because another one runs; `idle` if it never begins and
    none runs; `ended` if it had already ended, `interrupted` if it ended now, `running` if it did
    not within so many seconds, or `gone` if the kernel has ended or has no observer.
    """
    import signal
    from tempfile import gettempdir

    folder_path = Path(gettempdir(), folder)
    path = folder_path / tag
    kernel = read_number(folder_path / "kernel")
    if kernel is None or not is_alive(kernel):
        return "gone"
    try:
        # The observer in the kernel makes the same file when the program begins.
        with path.open("x") as file:
            file.write("cancelled")
        running = folder_path / "running"
        return "waiting" if running.exists() and running.read_text() else "idle"
    except FileExistsError:
        path.with_name(f"{tag}.interrupt").touch()
    if path.read_text() == "ended":
        return "ended"
    give_up_at = time.monotonic() + seconds
    signal_at = 0.0
    while time.monotonic() < give_up_at:
        if not is_alive(kernel):
            return "gone"
        # A program may need a moment to clean up.
        if time.monotonic() >= signal_at:
            os.kill(kernel, signal.SIGURG)
            signal_at = time.monotonic() + SIGNAL_SECONDS
        time.sleep(0.02)
        if path.read_text() == "ended":
            return "interrupted"
    return "running"


def read_output(folder: str, tag: str, offset: int) -> dict[str, Any]:
    """Return what the program that has a tag wrote behind an offset in the file of its output.

    The observer in the kernel writes the file: each line is the JSON of a text and its stream.
    """
    from tempfile import gettempdir

    try:
        with Path(gettempdir(), folder, f"{tag}.output").open("rb") as file:
            file.seek(offset)
            body = file.read(READ_BYTES)
    except FileNotFoundError:  # it has not run for long
        body = b""
    whole = body[: body.rfind(b"\n") + 1]  # the last line may be half-written
    output: list[dict[str, str]] = []
    for line in whole.splitlines():
        part = json.loads(line)
        if output and output[-1]["stream"] == part["stream"]:
            output[-1]["text"] += part["text"]
        else:
            output.append(part)
    return {"output": output, "next_offset": offset + len(whole)}


def read_number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def is_alive(process: int) -> bool:
    """Tell whether a process runs. One that has ended and was not waited for does not."""
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat")
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


ACTIONS = {
    action.__name__: action
    for action in (
        inventory,
        download,
        upload,
        copy_part,
        join_parts,
        remove_folder,
        run_command,
        end_program,
        read_output,
    )
}

if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    marker = request.pop("result_marker")
    result = ACTIONS[request.pop("action")](**request)
    sys.stdout.write(f"\n{marker}{json.dumps(result)}\n")
