"""Transfers over the wire: connections that break, files that change, and refusals."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from code_interpreter_client import TransferFailed, transfers

BODY = bytes(range(256)) * 40_000  # 10 MB
HALF = 4 * transfers.PART_BYTES


class Storage(ThreadingHTTPServer):
    """Does as Amazon S3 does with one object, but for the faults that a test asks for.

    `faults` has one for each request: a status, a number of bytes after which the connection
    breaks, or None.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = BODY
        self.etag = '"first"'
        self.faults: list[int | str | None] = []
        self.requests: list[str] = []

    def link(self, size: int | None = None) -> Callable[[], dict[str, Any]]:
        """Return a link as `workspace_link` gives it, for an upload if there is a size."""
        url = f"http://127.0.0.1:{self.server_address[1]}/object?X-Amz-Signature=secret"
        if size is None:
            return lambda: {"url": url, "method": "GET", "headers": {}}
        return lambda: {"url": url, "method": "PUT", "headers": {"Content-Length": str(size)}}


class Handler(BaseHTTPRequestHandler):
    server: Storage

    def fault(self) -> int | str | None:
        self.server.requests.append(f"{self.command} {self.headers.get('Range', '')}".strip())
        fault = self.server.faults.pop(0) if self.server.faults else None
        if isinstance(fault, str):
            status, _, code = fault.partition(" ")
            self.send_response(int(status))
            self.end_headers()
            self.wfile.write(f"<Error><Code>{code}</Code></Error>".encode())
        return fault

    def do_GET(self) -> None:
        fault = self.fault()
        if isinstance(fault, str):
            return
        begin = 0
        if "Range" in self.headers:
            if self.headers["If-Match"] != self.server.etag:
                self.send_response(412)
                self.end_headers()
                return
            begin = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        body = self.server.body[begin:]
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", self.server.etag)
        self.end_headers()
        self.wfile.write(body[:fault])

    def do_PUT(self) -> None:
        fault = self.fault()
        if isinstance(fault, str):
            return
        size = int(self.headers["Content-Length"])
        if fault is not None:
            self.rfile.read(fault)
            self.connection.close()
            return
        self.server.body = self.rfile.read(size)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def download(
    target: Path, link: transfers.Link, progress: transfers.Progress | None = None
) -> None:
    transfers.download(
        target, lambda file: transfers.receive_by_link(file, target.name, link, progress)
    )


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    monkeypatch.setattr(transfers, "PAUSE_SECONDS", 0.001)
    with Storage() as storage:
        threading.Thread(target=storage.serve_forever, args=(0.01,), daemon=True).start()
        yield storage
        storage.shutdown()


@pytest.mark.parametrize(
    ("faults", "requests"),
    [
        ([], ["GET"]),
        ([HALF], ["GET", f"GET bytes={HALF}-"]),
        (["503 SlowDown", None], ["GET", "GET"]),
        ([0, "500 InternalError", HALF], ["GET", "GET", "GET", f"GET bytes={HALF}-"]),
    ],
)
def test_a_download_goes_on_where_it_broke(
    storage: Storage, tmp_path: Path, faults: list[int | str | None], requests: list[str]
) -> None:
    storage.faults = faults
    seen: list[tuple[int, int | None]] = []
    target = tmp_path / "folder" / "file.bin"
    download(target, storage.link(), lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == BODY
    assert storage.requests == requests
    assert seen[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert [path.name for path in target.parent.iterdir()] == ["file.bin"]


def test_a_file_that_changes_meanwhile_comes_from_its_beginning(
    storage: Storage, tmp_path: Path
) -> None:
    storage.faults = [HALF]

    def change(done: int, _total: int | None) -> None:
        if done >= HALF:
            storage.body, storage.etag = b"second", '"second"'

    download(tmp_path / "file.bin", storage.link(), change)
    assert (tmp_path / "file.bin").read_bytes() == b"second"


@pytest.mark.parametrize(
    ("faults", "message", "count"),
    [
        (["403 AccessDenied"], "AccessDenied", 1),
        (["404 NoSuchKey"], "NoSuchKey", 1),
        (["503 SlowDown"] * 10, "not transferred in 5 attempts", 5),
        ([0] * 10, "not transferred in 5 attempts", 5),
    ],
)
def test_a_refusal_leaves_the_old_file_and_shows_no_signature(
    storage: Storage, tmp_path: Path, faults: list[int | str | None], message: str, count: int
) -> None:
    target = tmp_path / "file.bin"
    target.write_text("old")
    storage.faults = faults
    with pytest.raises(TransferFailed, match=message) as caught:
        download(target, storage.link())
    assert "secret" not in str(caught.value)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
    assert len(storage.requests) == count


@pytest.mark.parametrize("faults", [[], ["500 InternalError"], [HALF], ["503 SlowDown", HALF]])
@pytest.mark.parametrize("body", [BODY, b""], ids=["10 MB", "empty"])
def test_an_upload_is_made_again_until_it_arrives(
    storage: Storage, tmp_path: Path, faults: list[int | str | None], body: bytes
) -> None:
    source = tmp_path / "file.bin"
    source.write_bytes(body)
    storage.faults = [fault for fault in faults if body or isinstance(fault, str)]
    count = len(storage.faults) + 1
    transfers.upload(source, len(body), storage.link(len(body)))
    assert storage.body == body
    assert len(storage.requests) == count


def test_an_upload_that_is_refused_is_told(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "file.bin"
    source.write_bytes(b"x")
    storage.faults = ["403 AccessDenied"]
    with pytest.raises(TransferFailed, match=r"file\.bin was refused by the storage: AccessDenied"):
        transfers.upload(source, 1, storage.link(1))
    assert storage.requests == ["PUT"]
