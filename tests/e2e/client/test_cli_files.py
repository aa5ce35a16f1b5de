"""The commands for files and sessions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.client.terminal import COMMAND, Terminal

if TYPE_CHECKING:
    from tests.e2e.client.conftest import CommandLine
    from tests.e2e.client.forks import Forks

FORKED = ("code_interpreter_client.cli.app", "rich.progress")
SESSION = ("--session", "cli-files")


def test_files_go_up_into_the_sandbox_and_come_back(
    code_interpreter: CommandLine, tmp_path: Path
) -> None:
    Path("a.csv").write_text("a\n")
    Path("data/inner").mkdir(parents=True)
    for name in ("b.csv", "inner/c.csv"):
        Path("data", name).write_text(name)
    outcome = code_interpreter(*SESSION, "upload", "a.csv", "data")
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    uploaded = ["uploads/a.csv", "uploads/data/b.csv", "uploads/data/inner/c.csv"]
    assert outcome.stdout.splitlines() == uploaded

    listed = code_interpreter(*SESSION, "sh", "cat a.csv data/b.csv data/inner/c.csv")
    assert listed.stdout == "a\nb.csvinner/c.csv\n"
    assert re.search(
        r"^ *2 B  \d{4}-.*  uploads/a.csv$", code_interpreter(*SESSION, "ls").stdout, re.M
    )
    page = json.loads(code_interpreter(*SESSION, "ls", "--json", "uploads/data").stdout)
    assert [file["path"] for file in page["files"]] == uploaded[1:]
    assert re.search(r" data/$", code_interpreter(*SESSION, "ls", "--sandbox").stdout, re.M)

    assert code_interpreter(*SESSION, "sh", "echo new > new.txt").exit_code == 0
    outcome = code_interpreter(*SESSION, "push", "new.txt")
    assert (outcome.exit_code, outcome.stdout) == (0, "code-interpreter/new.txt\n")
    outcome = code_interpreter(*SESSION, "download", "new.txt", "uploads/a.csv", "--to", "here")
    assert outcome.stdout == "here/new.txt\nhere/a.csv\n"
    assert (tmp_path / "here" / "new.txt").read_text() == "new\n"

    assert code_interpreter(*SESSION, "stop").stdout == "cli-files stopped\n"
    assert code_interpreter(*SESSION, "stop").stdout == "cli-files had no sandbox\n"
    outcome = code_interpreter(*SESSION, "pull")
    assert (outcome.exit_code, outcome.stdout) == (0, "new.txt\n")


def test_a_file_gets_another_name(code_interpreter: CommandLine) -> None:
    Path("a.csv").write_text("a\n")
    outcome = code_interpreter(*SESSION, "upload", "a.csv", "--name", "b/c.csv")
    assert outcome.stdout == "uploads/b/c.csv\n"
    outcome = code_interpreter(*SESSION, "download", "uploads/b/c.csv", "--to", "d.csv")
    assert (outcome.stdout, Path("d.csv").read_text()) == ("d.csv\n", "a\n")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "stderr"),
    [
        (("upload", "nope.csv"), 125, "error: nope.csv: No such file or directory\n"),
        (("upload", "--name", "a", "x", "y"), 2, "error: --name is for a single file"),
        (("download", "nope.txt"), 125, "error: .*nope.txt"),
        (("ls", "--sandbox", "nope"), 125, "error: .*nope"),
        (("push", "nope.txt"), 125, "error: .*nope.txt"),
        (("pull", "uploads/nope.txt"), 125, "error: .*nope.txt"),
    ],
)
def test_files_that_are_not_there(
    code_interpreter: CommandLine, arguments: tuple[str, ...], exit_code: int, stderr: str
) -> None:
    outcome = code_interpreter(*SESSION, *arguments)
    assert (outcome.exit_code, outcome.stdout) == (exit_code, "")
    assert re.match(stderr, outcome.stderr)


@pytest.mark.parametrize(
    "arguments",
    [("upload", "a"), ("download", "a"), ("ls",), ("push",), ("pull",), ("stop",)],
)
def test_a_command_that_needs_a_session_says_so(
    code_interpreter: CommandLine, arguments: tuple[str, ...]
) -> None:
    Path("a").touch()
    outcome = code_interpreter(*arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "give --session NAME, or set CODE_INTERPRETER_SESSION\n" in outcome.stderr


def test_a_transfer_of_a_part_is_no_success(code_interpreter: CommandLine) -> None:
    assert code_interpreter(*SESSION, "sh", "touch part.txt").exit_code == 0
    outcome = code_interpreter(*SESSION, "push", "part.txt", "nope.txt")
    assert (outcome.exit_code, outcome.stdout) == (1, "code-interpreter/part.txt\n")
    assert re.match("warning: .*nope.txt", outcome.stderr)


def test_sessions_are_listed(code_interpreter: CommandLine) -> None:
    session = ("--session", "cli-listed")
    assert code_interpreter(*session, "exec", "pass").exit_code == 0
    assert re.search(r"^ *cli-listed  READY +\d{4}-", code_interpreter("sessions").stdout, re.M)
    page = json.loads(code_interpreter("sessions", "--json").stdout)
    assert "cli-listed" in [sandbox["session"] for sandbox in page["sessions"]]
    code_interpreter(*session, "stop")
    assert "cli-listed" not in code_interpreter("sessions").stdout
    assert "cli-listed" in code_interpreter("sessions", "--all").stdout


def test_a_terminal_has_a_progress_bar(
    environment: dict[str, str], tmp_path: Path, forks: Forks
) -> None:
    (tmp_path / "big.bin").write_bytes(bytes(2_000_000))
    arguments = (*COMMAND, *SESSION, "upload", "big.bin")
    with Terminal(*arguments, environment=environment, folder=tmp_path, forks=forks) as terminal:
        assert terminal.wait() == 0
        assert re.search(r"uploading .*/2.0 MB", terminal.shown)
        assert "uploads/big.bin" in terminal.shown


@pytest.mark.parametrize("is_plain", [False, True])
def test_a_terminal_has_colours(
    environment: dict[str, str], tmp_path: Path, forks: Forks, is_plain: bool
) -> None:
    variables = {**environment, "NO_COLOR": "1"} if is_plain else environment
    arguments = (*COMMAND, "stop")
    with Terminal(*arguments, environment=variables, folder=tmp_path, forks=forks) as terminal:
        assert terminal.wait() == 2
        assert ("\x1b[1;31merror:" in terminal.raw) is not is_plain
