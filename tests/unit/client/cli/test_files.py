"""Files of the command line, by their names."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from code_interpreter_client.cli.app import main
from code_interpreter_client.cli.failures import UsageError
from code_interpreter_client.cli.files import own_name, readable_size, workspace_table
from code_interpreter_client.cli.programs import program_of
from code_interpreter_client.session import WorkspaceFile


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("path", "name"), [("latest", "latest"), (".", "folder"), ("../folder/..", "{tmp}")]
)
def test_a_file_has_its_own_name(path: str, name: str, folder: Path) -> None:
    Path("latest").symlink_to("data-2026.csv")
    assert own_name(Path(path)) == name.format(tmp=folder.parent.name)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["upload", "a/x.csv", "b/x.csv"], "a/x.csv and b/x.csv would both be written to x.csv"),
        (["upload", "a", "c/a"], "a/x.csv and c/a/x.csv would both be written to a/x.csv"),
        (["download", "uploads/x", "x"], "uploads/x and x would both be written to x"),
    ],
)
def test_no_file_replaces_another_of_the_same_command(
    arguments: list[str], names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b", "c/a"):
        Path(name).mkdir(parents=True)
        Path(name, "x.csv").touch()
    assert main(["--function", "f", "--session", "s", *arguments]) == 2
    assert capsys.readouterr().err == (
        f"error: {names}; transfer them one at a time, under two names\n"
    )


def test_a_program_may_begin_with_a_byte_order_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    content = "\ufeffprint('é')\r\n".encode()
    Path("a.py").write_bytes(content)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))
    assert [program_of(Path(name)) for name in ("a.py", "-")] == ["print('é')\r\n"] * 2


def test_a_program_that_is_no_text_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.py").write_bytes(b"1\n\xff")
    with pytest.raises(UsageError, match=r"a.py is no text in UTF-8: invalid start byte at byte 2"):
        program_of(Path("a.py"))
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input is closed"):
        program_of(Path("-"))


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1024**2 - 52, "1023.9 KiB"),
        (1024**2 - 51, "1.0 MiB"),
        (1024**2 - 1, "1.0 MiB"),
        (1_500_000, "1.4 MiB"),
        (1024**3 - 1, "1.0 GiB"),
        (5 * 1024**3, "5.0 GiB"),
        (5 * 1024**4, "5120.0 GiB"),
    ],
)
def test_a_size_has_a_unit(size: int, text: str) -> None:
    assert readable_size(size) == text


def test_the_workspace_is_listed_with_local_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-2")
    time.tzset()
    moment = "2026-11-27T23:16:46.433000+00:00"
    files = [WorkspaceFile("a.csv", 2, moment), WorkspaceFile("b", 2048, moment, "too long")]
    session: Any = SimpleNamespace(ls=lambda _: files)
    assert workspace_table(session, "") == (
        "    2 B  2026-11-28 01:16:46  a.csv\n2.0 KiB  2026-11-28 01:16:46  b  (too long)"
    )
    monkeypatch.undo()
    time.tzset()
