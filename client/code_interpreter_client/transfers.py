"""Files of any size between this machine and the workspace, over URLs that the function signs.

A file is sent and received in parts, so that memory does not depend on its size.
"""

from __future__ import annotations

import os
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

import urllib3
from botocore.httpsession import get_cert_path

from .errors import TransferFailed

# Called with the bytes that have been transferred so far, and with all bytes if they are known.
Progress = Callable[[int, int | None], None]
# Returns a fresh link: the HTTP request that transfers the file, as `workspace_link` describes it.
Link = Callable[[], Mapping[str, Any]]

PART_BYTES: Final = 1024 * 1024
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


def upload(source: Path, link: Link, progress: Progress | None = None) -> None:
    """Send a file.

    :raises TransferFailed: if the storage refuses it, or cannot be reached
    """
    size = source.stat().st_size

    def attempt() -> None:
        request = link()
        with source.open("rb") as file:
            body = file if progress is None else Counted(file, size, progress)
            with send(request, body=body if size else b"") as response:
                check(response, source.name)
                response.drain_conn()  # so that the next file can use the connection

    with_attempts(attempt, source.name)


def download(target: Path, link: Link, progress: Progress | None = None) -> None:
    """Write a file, whole or not at all. A connection that breaks is continued where it broke.

    :raises TransferFailed: if the storage refuses it, or cannot be reached
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            receive(file, target.name, link, progress)
        part.chmod(0o666 & ~current_umask())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read(name: str, link: Link) -> bytes:
    """Return the bytes of a file.

    :raises TransferFailed: if the storage refuses it, or cannot be reached
    """
    with tempfile.SpooledTemporaryFile(max_size=16 * PART_BYTES) as file:
        receive(file, name, link, None)
        file.seek(0)
        return file.read()


def receive(file: IO[bytes], name: str, link: Link, progress: Progress | None) -> None:
    """Write the bytes that a link leads to into a file that is open and empty."""
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
            for part in response.stream(PART_BYTES):
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


class Counted:
    """A file that reports how much of it has been read."""

    def __init__(self, file: IO[bytes], size: int, progress: Progress) -> None:
        self._file = file
        self._size = size
        self._progress = progress

    def read(self, size: int = -1) -> bytes:
        """Read a part."""
        part = self._file.read(size)
        self._progress(self._file.tell(), self._size)
        return part


def current_umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
