"""Files of any size between this machine and the workspace, over URLs that the function signs.

A file is sent and received in parts, so that memory does not depend on its size.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

import urllib3
from botocore.httpsession import get_cert_path

from .errors import InvalidRequest, TransferFailed

# Called with the bytes that have been transferred so far, and with all bytes if they are known.
Progress = Callable[[int, int | None], None]
# Returns a fresh link: the HTTP request that transfers the file, as `workspace_link` describes it.
Link = Callable[[], Mapping[str, Any]]
# Writes all bytes of a file of the workspace into a file that is open and empty.
Receive = Callable[[IO[bytes]], None]

PART_BYTES: Final = 1024 * 1024
# Files that are transferred at once: most of the time of a small one is waiting.
TRANSFERS_AT_ONCE: Final = 8
ATTEMPTS: Final = 5
PAUSE_SECONDS: Final = 0.5
TIMEOUT: Final = urllib3.Timeout(connect=10, read=120)
# S3 has these while it is busy, and when a part was lost on the way.
RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})
PARTIAL: Final = 206
# The file has changed since its first part came.
CHANGED: Final = 412


class Interruption(Exception):
    """A transfer that broke off, and that another attempt may complete."""


def upload(source: Path, size: int, link: Link, progress: Progress | None = None) -> None:
    """Send as many bytes of a file as it had when its size was taken.

    :raises TransferFailed: if it has fewer by now, the storage refuses it or cannot be reached
    """

    def attempt() -> None:
        request = link()
        with source.open("rb") as file:
            body = Beginning(file, source.name, size, progress)
            with send(request, body=body if size else b"") as response:
                check(response, source.name)
                response.drain_conn()  # so that the next file can use the connection

    with_attempts(attempt, source.name)


def upload_all(
    upload: Callable[..., str],
    files: Sequence[tuple[Path, str]],
    progress_of: Callable[[str], Progress | None] = lambda _: None,
) -> list[str]:
    """Upload files, several at once, and return their paths. The first failure ends the others.

    :param upload: Uploads a file under a name, and has `progress`.
    :param files: Each file and its name.
    :param progress_of: Returns what is called with the progress of a name.
    """
    has_ended = threading.Event()

    def call(file: Path, name: str) -> str:
        progress = progress_of(name)

        def report(done: int, total: int | None) -> None:
            if has_ended.is_set():
                raise TransferFailed(f"{file} was not sent: another file failed, or Ctrl-C came")
            if progress is not None:
                progress(done, total)

        return upload(file, name, progress=report)

    with ThreadPoolExecutor(TRANSFERS_AT_ONCE) as pool:
        uploads = [pool.submit(call, file, name) for file, name in files]
        try:
            wait(uploads, return_when=FIRST_EXCEPTION)
            failed = [found for found in uploads if found.done() and found.exception()]
            return [found.result() for found in failed or uploads]
        except BaseException:
            has_ended.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def download(target: Path, receive: Receive) -> None:
    """Write a file, whole or not at all.

    :raises InvalidRequest: if there is a folder or a device in its place
    :raises TransferFailed: if the storage refuses it, or cannot be reached
    """
    if target.exists() and not target.is_file():
        raise InvalidRequest(
            f"{target} is not a regular file, and would be replaced; name another file"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            receive(file)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read(receive: Receive) -> bytes:
    """Return the bytes of a file.

    :raises TransferFailed: if the storage refuses it, or cannot be reached
    """
    with tempfile.SpooledTemporaryFile(max_size=16 * PART_BYTES) as file:
        receive(file)
        file.seek(0)
        return file.read()


def receive_by_link(
    file: IO[bytes], name: str, link: Link, progress: Progress | None = None
) -> None:
    """Write the bytes that a link leads to into a file that is open and empty.

    A connection that breaks is continued where it broke.

    :raises TransferFailed: if the storage refuses it, or cannot be reached
    """
    etag: str | None = None

    def attempt() -> None:
        nonlocal etag
        request = link()
        headers = {**request["headers"]}
        if etag is not None and file.tell():
            headers |= {"Range": f"bytes={file.tell()}-", "If-Match": etag}
        with send({**request, "headers": headers}) as response:
            if response.status == CHANGED:
                restart(file)
                etag = None
                raise Interruption("the file has changed")
            check(response, name)
            if response.status != PARTIAL:
                restart(file)
            etag = response.headers.get("ETag")
            remaining = response.headers.get("Content-Length")
            total = None if remaining is None else file.tell() + int(remaining)
            # As they are stored, also those that have a Content-Encoding.
            for part in response.stream(PART_BYTES, decode_content=False):
                file.write(part)
                if progress is not None:
                    progress(file.tell(), total)

    with_attempts(attempt, name)


def restart(file: IO[bytes]) -> None:
    file.seek(0)
    file.truncate()


def with_attempts(attempt: Callable[[], None], name: str) -> None:
    """Make attempts until one of them completes the transfer."""
    for number in range(ATTEMPTS):
        try:
            return attempt()
        except (Interruption, urllib3.exceptions.HTTPError) as error:
            cause = error
        if number < ATTEMPTS - 1:
            time.sleep(PAUSE_SECONDS * 2**number)
    raise TransferFailed(
        f"{name} was not transferred in {ATTEMPTS} attempts ({cause}); check the network and the "
        "proxy",
        retryable=True,
    ) from cause


def send(request: Mapping[str, Any], body: Any = None) -> urllib3.BaseHTTPResponse:
    url = request["url"]
    return pool_for(url).request(
        request["method"],
        url,
        headers=request["headers"],
        body=body,
        preload_content=False,
        redirect=False,
        retries=False,
        timeout=TIMEOUT,
    )


def check(response: urllib3.BaseHTTPResponse, name: str) -> None:
    """Raise an error unless the response is a success.

    :raises Interruption: if another attempt may be one
    """
    if 200 <= response.status < 300:
        return
    text = response.read(2_000, decode_content=True).decode(errors="replace")
    if response.status in RETRIED:
        raise Interruption(f"the storage has HTTP status {response.status}")
    code = text.partition("<Code>")[2].partition("</Code>")[0] or f"HTTP status {response.status}"
    raise TransferFailed(
        f"{name} was refused by the storage: {code}; the network may be closed to Amazon S3, or "
        "the bucket's policy to this machine"
    )


def pool_for(url: str) -> urllib3.PoolManager:
    """Return the connections that reach a URL, through the proxy that the environment names."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy is None or urllib.request.proxy_bypass(parts.hostname or ""):
        proxy = ""
    if proxy not in POOLS:
        options: dict[str, Any] = {
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": os.environ.get("AWS_CA_BUNDLE") or get_cert_path(True),
            "blocksize": PART_BYTES,
            "maxsize": 10,
        }
        POOLS[proxy] = (
            urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
        )
    return POOLS[proxy]


# The connections by proxy, for the life of the process: many small files share them.
POOLS: dict[str, urllib3.PoolManager] = {}


# Those that this process has inherited, and neither uses nor closes: see `connections.INHERITED`.
INHERITED: list[Any] = []


def forget_connections() -> None:
    """Let a forked process make connections of its own."""
    INHERITED.extend(POOLS.values())
    POOLS.clear()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=forget_connections)


class Beginning:
    """The beginning of a file, which reports how much of it has been read."""

    def __init__(self, file: IO[bytes], name: str, size: int, progress: Progress | None) -> None:
        self._file = file
        self._name = name
        self._size = size
        self._progress = progress

    def read(self, size: int) -> bytes:
        """Read a part.

        :raises TransferFailed: if the file has become shorter
        """
        remaining = self._size - self._file.tell()
        part = self._file.read(min(size, remaining))
        if remaining and not part:
            raise TransferFailed(
                f"{self._name} has become shorter while it was sent: it had {self._size} bytes, "
                f"and has {self._file.tell()}; upload it when nothing writes it"
            )
        if self._progress is not None:
            self._progress(self._file.tell(), self._size)
        return part
