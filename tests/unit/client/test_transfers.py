"""Files between this machine and the storage, whatever happens to the files."""

from __future__ import annotations

import base64
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

import pytest

from code_interpreter_client import transfers
from code_interpreter_client.errors import InvalidRequest, NotFound, TransferFailed
from code_interpreter_client.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from code_interpreter_client.function import Function

SIGNATURE = "X-Amz-Signature=secret"


class Storage(ThreadingHTTPServer):
    """A bucket of one object."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Requests)
        self.content = b""
        self.added: dict[str, str] = {}
        self.status = 200

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a connection that the client has closed."""

    def request(self, tool: str, arguments: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Return the links, as the function does."""
        assert tool == "workspace_link"
        method = "PUT" if arguments["direction"] == "upload" else "GET"
        headers = {"Content-Length": str(arguments["size"])} if method == "PUT" else {}
        url = f"http://127.0.0.1:{self.server_port}/{arguments['path']}?{SIGNATURE}"
        return {"status": "ok", "method": method, "url": url, "headers": headers}


class Requests(BaseHTTPRequestHandler):
    server: Storage
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        self.server.content = self.rfile.read(int(self.headers["Content-Length"]))
        self.respond(b"")

    def do_GET(self) -> None:
        self.respond(self.server.content)

    def respond(self, body: bytes) -> None:
        self.send_response(self.server.status)
        for name, value in {"Content-Length": str(len(body)), **self.server.added}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def storage() -> Iterator[Storage]:
    with Storage() as storage:
        threading.Thread(target=storage.serve_forever, args=(0.01,), daemon=True).start()
        yield storage
        storage.shutdown()


@pytest.fixture
def session(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(transfers, "PAUSE_SECONDS", 0)
    return Session(cast("Function", storage), "s")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(b"x" * 3_000_000)
    return path


def test_a_file_that_grows_is_sent_as_it_was(
    session: Session, storage: Storage, file: Path
) -> None:
    def grow(*_: int | None) -> None:
        with file.open("ab") as log:
            log.write(b"y" * 100)

    session.upload(file, progress=grow)
    assert storage.content == b"x" * 3_000_000
    # The connection is one that another request can use.
    assert session.load("uploads/data.bin") == storage.content


def test_a_file_that_shrinks_fails_at_once(session: Session, file: Path) -> None:
    with pytest.raises(TransferFailed, match=r"had 3000000 bytes, and has \d+; upload it when"):
        session.upload(file, progress=lambda *_: os.truncate(file, 1_000))


def test_a_file_whose_length_is_not_known_is_refused(session: Session, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for source in (pipe, tmp_path):
        with pytest.raises(InvalidRequest, match="is not a regular file"):
            session.upload(source)


def test_no_device_and_no_folder_is_replaced(session: Session, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "folder" / "chart.png").mkdir(parents=True)
    for target in (pipe, tmp_path / "folder"):
        with pytest.raises(InvalidRequest, match="is not a regular file, and would be replaced"):
            session.download("chart.png", target)
    assert pipe.is_fifo()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["chart.png", "folder", "pipe"]


def test_a_slash_at_its_end_makes_a_target_a_folder(session: Session, tmp_path: Path) -> None:
    assert session.download("chart.png", f"{tmp_path}/new/") == tmp_path / "new" / "chart.png"


def test_the_longest_name_of_a_file_is_taken(session: Session, tmp_path: Path) -> None:
    assert session.download("chart.png", tmp_path / ("x" * 255)).exists()


def test_many_downloads_at_once_keep_the_umask(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "umask", lambda _: pytest.fail("it is that of every thread"))
    session.download("chart.png", tmp_path)
    new = tmp_path / "new"
    new.touch()
    assert (tmp_path / "chart.png").stat().st_mode == new.stat().st_mode


def test_bytes_come_as_they_are_stored(session: Session, storage: Storage) -> None:
    storage.content = b"no gzip"
    storage.added = {"Content-Encoding": "gzip"}
    assert session.load("uploads/a") == b"no gzip"


# A function that signs no links.


class SealedFunction:
    """The workspace of a function whose network is sealed."""

    part_bytes = 1_000_000
    is_sealed = True

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.tools: list[str] = []

    def request(self, tool: str, arguments: dict[str, Any], **_: Any) -> dict[str, Any]:
        self.tools.append(tool)
        path = arguments["path"]
        if tool == "workspace_link":
            refusal = self.error("InvalidRequest", "the network is sealed")
            return {**refusal, "links_refused": self.is_sealed}
        if tool == "workspace_write":
            assert arguments["encoding"] == "base64"
            self.files[path] = base64.b64decode(arguments["content"])
            return {"status": "ok", "path": path, "size": len(self.files[path])}
        assert tool == "workspace_read"
        if path not in self.files:
            return self.error("NotFound", f"there is no file {path}")
        body, offset = self.files[path], arguments["offset"]
        end = offset + self.part_bytes
        return {
            "status": "ok",
            "encoding": "base64",
            "content": base64.b64encode(body[offset:end]).decode(),
            "size": len(body),
            **({"next_offset": end} if end < len(body) else {}),
        }

    def error(self, kind: str, message: str) -> dict[str, Any]:
        return {"status": "error", "error": {"type": kind, "message": message, "retryable": False}}


@pytest.fixture
def sealed() -> SealedFunction:
    return SealedFunction()


@pytest.fixture
def sealed_session(sealed: SealedFunction) -> Session:
    return Session(cast("Function", sealed), "s")


@pytest.mark.parametrize("size", [0, 1, 3_500_000])
def test_files_go_through_a_function_that_signs_no_links(
    sealed: SealedFunction, sealed_session: Session, tmp_path: Path, size: int
) -> None:
    source = tmp_path / "data.bin"
    source.write_bytes(os.urandom(size))
    seen: list[tuple[int, int | None]] = []
    path = sealed_session.upload(source, progress=lambda *step: seen.append(step))
    assert sealed.files[path] == source.read_bytes()
    target = sealed_session.download(
        path, tmp_path / "copy.bin", progress=lambda *step: seen.append(step)
    )
    assert target.read_bytes() == source.read_bytes() == sealed_session.load(path)
    assert seen[0] == seen[-1] == (size, size)


def test_a_file_that_is_too_large_for_the_function_is_refused_with_the_reason(
    sealed: SealedFunction, sealed_session: Session, tmp_path: Path
) -> None:
    source = tmp_path / "data.bin"
    source.write_bytes(b"x" * 4_700_001)
    with pytest.raises(InvalidRequest, match=r"4700001 bytes.*at most 4700000.*network is sealed"):
        sealed_session.upload(source)
    assert sealed.tools == ["workspace_link"]


def test_another_refusal_of_a_link_is_final(
    sealed: SealedFunction, sealed_session: Session, tmp_path: Path
) -> None:
    sealed.is_sealed = False
    source = tmp_path / "data.bin"
    source.write_bytes(b"x")
    for transfer in (
        lambda: sealed_session.upload(source),
        lambda: sealed_session.load("uploads/a"),
    ):
        with pytest.raises(InvalidRequest, match="sealed"):
            transfer()
    assert sealed.tools == ["workspace_link"] * 2


def test_a_missing_file_is_missing_without_links_too(
    sealed_session: Session, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        sealed_session.download("chart.png", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_changes_between_its_parts_is_not_mixed(
    sealed: SealedFunction, sealed_session: Session, tmp_path: Path
) -> None:
    sealed.files["uploads/a"] = b"x" * 3_000_000

    def change(*_: int | None) -> None:
        sealed.files["uploads/a"] = b"y" * 2_000_000

    with pytest.raises(TransferFailed, match="has changed while it was read"):
        sealed_session.download("uploads/a", tmp_path, progress=change)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [403, 500])
def test_no_error_shows_a_signed_url(
    session: Session, storage: Storage, file: Path, status: int
) -> None:
    storage.status = status
    for transfer in (lambda: session.upload(file), lambda: session.load("uploads/a")):
        with pytest.raises(TransferFailed) as raised:
            transfer()
        assert "X-Amz" not in str(raised.getrepr(chain=True))


def test_the_first_failure_ends_the_other_uploads(tmp_path: Path) -> None:
    sent = threading.Event()

    def upload(_file: Path, name: str, *, progress: transfers.Progress) -> str:
        if name == "bad":
            raise TransferFailed("bad was refused")
        for _ in range(2_000):
            progress(1, None)
            sent.wait(0.005)
        return name

    files = [(tmp_path, name) for name in ("a", "bad", *map(str, range(50)))]
    with pytest.raises(TransferFailed, match="bad was refused"):
        transfers.upload_all(upload, files)


def test_all_files_of_a_folder_are_sent(tmp_path: Path) -> None:
    files = [(tmp_path, str(number)) for number in range(30)]
    assert transfers.upload_all(lambda _, name, **__: name, files) == [name for _, name in files]


def test_a_forked_process_has_connections_of_its_own(session: Session) -> None:
    session.load("uploads/a")
    inherited = dict(transfers.POOLS)
    process = os.fork()
    if process == 0:
        os._exit(0 if inherited and not transfers.POOLS else 1)
    assert os.waitpid(process, 0)[1] == 0
    assert inherited == transfers.POOLS
