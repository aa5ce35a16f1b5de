"""The program that runs in sandboxes: over HTTP to a bucket, and in a shell."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from code_interpreter_invoke.sandbox import program
from code_interpreter_invoke.sandbox.program_client import (
    command_line,
    parse_result,
)
from code_interpreter_invoke.sandbox.results import fold

MARKER = "marker:"


class Storage(BaseHTTPRequestHandler):
    """The part of S3 that presigned URLs use."""

    # All requests of a test share them: the server makes an instance for each.
    objects: ClassVar[dict[str, bytes]] = {}
    types: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        body = self.objects.get(self.path)
        if body is None:
            self.send_error(403)
            return
        self.send_response(200)
        # /short announces more bytes than it sends, like a connection that breaks.
        self.send_header("Content-Length", str(len(body) + (5 if "short" in self.path else 0)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        self.objects[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.types[self.path] = self.headers["Content-Type"]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Storage, "objects", {})
    with HTTPServer(("127.0.0.1", 0), Storage) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_only_transfers_import_the_modules_of_the_network() -> None:
    """These modules take half of the start of each command."""
    code = f"import sys; sys.path.insert(0, {str(Path(program.__file__).parent)!r}); import program"
    printed = subprocess.run(
        [sys.executable, "-I", "-c", f"{code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert not {"http.client", "socket", "urllib.request"} & set(printed.split())


def test_a_file_is_downloaded_whole(url: str) -> None:
    Storage.objects["/f?secret"] = b"content"
    assert program.download("a/b/f", f"{url}/f?secret", 7) is None
    assert Path("a/b/f").read_bytes() == b"content"
    assert [path.name for path in Path("a/b").iterdir()] == ["f"]


def test_a_download_spares_the_files_beside_it_whatever_its_name(url: str) -> None:
    name = "f" * 255
    Storage.objects["/f"] = b"content"
    Path("f.partial").write_text("the user's")
    for target in ("f", name):
        assert program.download(target, f"{url}/f", 7) is None
    assert Path("f.partial").read_text() == "the user's"
    assert sorted(path.name for path in Path().iterdir()) == ["f", "f.partial", name]


@pytest.mark.parametrize(
    ("path", "problem"),
    [("/missing", "S3 returned status 403"), ("/short", "the download was incomplete")],
)
def test_a_failed_download_leaves_what_was_there(url: str, path: str, problem: str) -> None:
    Storage.objects["/short"] = b"12345"
    Path("f").write_text("before")
    assert program.download("f", url + path, 10) in (problem, "IncompleteRead")
    assert Path("f").read_text() == "before"
    assert [path.name for path in Path().iterdir()] == ["f"]


@pytest.mark.usefixtures("url")
def test_a_network_error_does_not_show_the_url() -> None:
    closed = "http://127.0.0.1:9/f?X-Amz-Signature=secret"
    Path("f").write_bytes(b"1")
    assert program.download("g", closed, 1) == "ConnectionRefusedError"
    assert program.upload("f", closed, 1, "text/plain") == "ConnectionRefusedError"


def test_a_file_is_uploaded_with_its_content_type(url: str) -> None:
    content = bytes(range(256)) * 10_000
    Path("f").write_bytes(content)
    assert program.upload("f", f"{url}/f", len(content), "image/png") is None
    assert Storage.objects["/f"] == content
    assert Storage.types["/f"] == "image/png"


def test_a_file_whose_size_has_changed_is_not_uploaded(url: str) -> None:
    Path("f").write_bytes(b"12345")
    with pytest.raises(ValueError, match="size has changed"):
        program.upload("f", f"{url}/f", 4, "text/plain")
    assert Storage.objects == {}


def run_program(action: str, **arguments: Any) -> subprocess.CompletedProcess[str]:
    """Run the program as the service does: by a command line, in a shell."""
    return subprocess.run(
        ["bash", "-c", command_line(MARKER, action, **arguments)],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_names_with_any_characters_pass_through_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["it's", 'a "b"', "$(x) `y` \\", "ü\U0001f600", "-rf", "line\nbreak", "\udcff"]
    for name in names:
        Path(name).write_bytes(b"1")
    printed = run_program("inventory", paths=names, skipped=[], hashed_bytes=0).stdout
    assert printed.isascii()
    found = parse_result(
        MARKER, fold([{"structuredContent": {"stdout": printed.replace("\n", "\r\n")}}])
    )
    assert [file["path"] for file in found if file.get("size") == 1] == names


def test_user_files_with_names_of_modules_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("json", "random", "email", "socket"):
        Path(f"{name}.py").write_text("raise SystemExit('of the user')")
    done = run_program("inventory", paths=["json.py"], skipped=[], hashed_bytes=0)
    found = parse_result(
        MARKER, fold([{"structuredContent": {"stdout": done.stdout, "stderr": done.stderr}}])
    )
    assert [file["path"] for file in found] == ["json.py"]


def test_a_command_within_its_limit_ends_as_without_one() -> None:
    done = run_program("run_command", command="echo out; echo err >&2; exit 3", seconds=60)
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 3)


def test_a_command_past_its_limit_is_killed_with_its_children(tmp_path: Path) -> None:
    line = f"(sleep 60; touch {tmp_path}/late) & echo $!; sleep 60"
    done = run_program("run_command", command=line, seconds=5)
    child, mark = done.stdout.split()
    assert mark == f"{MARKER}null"
    assert done.returncode == 0
    stat = Path(f"/proc/{child}/stat")
    assert not stat.exists() or ") Z " in stat.read_text()
