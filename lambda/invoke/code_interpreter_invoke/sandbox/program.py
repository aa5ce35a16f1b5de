"""Runs inside the sandbox, never in the function: what the service's operations cannot do.

The function sends this file's text as a command (`python3 -I -c <text> <task>`). The task is JSON
in ASCII, and so is the answer, on a line of its own behind the task's mark, because both pass a
terminal. It needs nothing but Python 3.8 or later. The URLs it opens are those the function signed.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

BLOCK = 1 << 20
# Also how long an unreachable network is waited for.
NETWORK_SECONDS = 20
NETWORK_ERRORS = (
    URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    socket.timeout,  # a TimeoutError from Python 3.10 on
)


def inventory(
    paths: list[str] | None, skipped: list[str], hashed_bytes: int
) -> list[tuple[str, int, str]]:
    """Regular files below `paths`, or else those directly in the working directory.

    Each is (path, size, sha256 if it has at most `hashed_bytes`), or (path, -1, what is wrong).
    """
    if paths is None:
        entries = sorted(os.scandir("."), key=lambda entry: entry.name)
        paths = [
            entry.name
            for entry in entries
            if entry.name not in skipped and entry.is_file(follow_symlinks=False)
        ]
    found = []
    for path in paths:
        if Path(path).is_dir() and not Path(path).is_symlink():
            for folder, folders, names in os.walk(path):
                folders.sort()
                found += [described(Path(folder, name), hashed_bytes) for name in sorted(names)]
        else:
            found.append(described(Path(path), hashed_bytes))
    return found


def described(path: Path, hashed_bytes: int) -> tuple[str, int, str]:
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return str(path), -1, "it is not a regular file"
        digest = ""
        if status.st_size <= hashed_bytes:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return str(path), -1, error.strerror or "it cannot be read"
    return str(path), status.st_size, digest


def fetch(path: str, url: str, size: int) -> str | None:
    """Download a file, whole or not at all; returns what the network did wrong."""
    target = Path(path)
    partial = target.with_name(f"{target.name}.partial")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with urlopen(url, timeout=NETWORK_SECONDS) as answer, partial.open("wb") as file:  # noqa: S310
            shutil.copyfileobj(answer, file, BLOCK)
        if partial.stat().st_size != size:
            return "the download was incomplete"
        partial.replace(target)
    except NETWORK_ERRORS as error:
        return reason(error)
    finally:
        if partial.exists():
            partial.unlink()
    return None


def store(path: str, url: str, size: int, content_type: str) -> str | None:
    """Upload a file of exactly `size` bytes; returns what the network did wrong."""
    headers = {"Content-Length": str(size), "Content-Type": content_type}
    with Path(path).open("rb") as file:
        if os.fstat(file.fileno()).st_size != size:
            raise ValueError("its size has changed")
        try:
            request = Request(url, file, headers, method="PUT")  # noqa: S310
            urlopen(request, timeout=NETWORK_SECONDS).close()  # noqa: S310
        except NETWORK_ERRORS as error:
            return reason(error)
    return None


def reason(error: Exception) -> str:
    """What went wrong, without the URL, which is a secret."""
    if isinstance(error, HTTPError):
        return f"S3 answered with status {error.code}"
    return type(getattr(error, "reason", error)).__name__


def part(path: str, offset: int, size: int, into: str) -> None:
    """Copy a part of a file as base64, which no reader of text changes."""
    Path(into).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("rb") as file:
        file.seek(offset)
        Path(into).write_bytes(base64.b64encode(file.read(size)))


def join(parts: list[str], path: str) -> None:
    """Make a file of its parts."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("wb") as file:
        for name in parts:
            with Path(name).open("rb") as source:
                shutil.copyfileobj(source, file, BLOCK)


def remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def run(command: str, seconds: float) -> None:
    """Run a shell command; answers only if its time was up, and otherwise ends as it did."""
    process = subprocess.Popen(["bash", "-c", command], start_new_session=True)
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return
    sys.exit(code if code >= 0 else 128 - code)


TASKS = {task.__name__: task for task in (inventory, fetch, store, part, join, remove, run)}

if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    mark = asked.pop("mark")
    outcome = TASKS[asked.pop("task")](**asked)
    sys.stdout.write(f"\n{mark}{json.dumps(outcome)}\n")
