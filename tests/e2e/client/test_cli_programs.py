"""The commands that run something: their output and their exit codes are the program's own."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from code_interpreter_client import CodeInterpreter
from tests.e2e.client.display import SHOW_FIGURE
from tests.e2e.client.terminal import COMMAND, CTRL_C, Terminal, wait_for_file

if TYPE_CHECKING:
    from tests.e2e.client.conftest import CommandLine


@pytest.mark.parametrize(
    ("arguments", "exit_code", "stdout", "stderr"),
    [
        (("exec", "print('out')"), 0, "out\n", ""),
        (("exec", "6 * 7"), 0, "42\n", ""),
        (("exec", "pass"), 0, "", ""),
        (("exec", "print('é', chr(0x1F600))"), 0, "é \U0001f600\n", ""),
        (("exec", "import sys; print('err', file=sys.stderr)"), 0, "", "err\n"),
        (("exec", "import sys; print('out'); sys.exit(3)"), 3, "out\n", ""),
        (("exec", "import sys; sys.exit(256)"), 1, "", ""),
        (("exec", "1/0"), 1, "", "ZeroDivisionError: division by zero\n"),
        (("exec", "--language", "javascript", "console.log(1)"), 0, "1\n", ""),
        (("sh", "echo out; echo err >&2"), 0, "out\nerr\n", ""),
        (("sh", "echo out; exit 4"), 4, "", "out\n"),
        (
            ("exec", "--timeout", "1", "import time; print('out', flush=True); time.sleep(60)"),
            124,
            "out\n",
            "error: the time was up .*; its variables and files are kept\n",
        ),
        (("sh", "--timeout", "1", "sleep 60"), 124, "", "error: the command was ended"),
        (("exec", "--session", "a b", "pass"), 2, "", "error: session 'a b' is not allowed"),
        (
            ("exec", "--stack", "Nope", "pass"),
            125,
            "",
            "error: there is no stack Nope",
        ),
        (("exec", "--profile", "nope", "pass"), 125, "", "error: .*profile"),
        (("exec", "--timeout", "0", "pass"), 2, "", "error: .*--timeout"),
        (("run", "nope.py"), 125, "", "error: nope.py: No such file or directory\n"),
        (("run", "notes.txt"), 2, "", r"error: notes.txt has no suffix .*\.py.*--language\n"),
        (("run", "--output", "../a", "a.py"), 2, "", "error: --output ../a .*without .."),
        (("nope",), 2, "", "error: No such command 'nope'"),
    ],
)
def test_the_output_and_the_exit_code(
    code_interpreter: CommandLine,
    arguments: tuple[str, ...],
    exit_code: int,
    stdout: str,
    stderr: str,
) -> None:
    if "--session" not in arguments:
        arguments = ("--session", "cli-programs", *arguments)
    outcome = code_interpreter(*arguments)
    assert (outcome.exit_code, outcome.stdout) == (exit_code, stdout)
    assert re.search(stderr, outcome.stderr) if stderr else outcome.stderr == ""
    # No error of ours has a traceback, or more than a line.
    assert "error:" not in outcome.stderr or "Traceback" not in outcome.stderr.split("error:")[1]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a.py", "print(1)"),
        ("a.js", "console.log(1)"),
        ("a.ts", "let n: number = 1; console.log(n)"),
    ],
)
def test_a_file_has_the_language_of_its_suffix(
    code_interpreter: CommandLine, tmp_path: Path, name: str, code: str
) -> None:
    (tmp_path / name).write_text(code)
    assert code_interpreter("--session", "cli-programs", "run", name).stdout == "1\n"


def test_a_program_comes_from_standard_input(
    code_interpreter: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"print('from stdin')\n")))
    assert code_interpreter("--session", "cli-programs", "run", "-").stdout == "from stdin\n"


def test_variables_name_the_function_and_the_session(
    code_interpreter: CommandLine, interpreter: CodeInterpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODE_INTERPRETER_FUNCTION", interpreter.function.name)
    monkeypatch.setenv("CODE_INTERPRETER_STACK", "Nope")
    monkeypatch.setenv("CODE_INTERPRETER_SESSION", "cli-variables")
    assert code_interpreter("exec", "kept = 5").exit_code == 0
    assert code_interpreter("exec", "kept").stdout == "5\n"
    # An option after the command wins.
    assert code_interpreter("exec", "--session", "cli-programs", "kept").exit_code == 1


def test_json_is_the_response_of_the_function(code_interpreter: CommandLine) -> None:
    outcome = code_interpreter("--session", "cli-programs", "exec", "--json", "print(1); 1/0")
    response = json.loads(outcome.stdout)
    assert outcome.exit_code == 1
    assert (response["stdout"], response["session"]) == ("1", "cli-programs")
    assert response["error"]["exception"]["type"] == "ZeroDivisionError"
    assert outcome.stderr == ""
    outcome = code_interpreter("--session", "a b", "exec", "--json", "1")
    assert json.loads(outcome.stdout)["error"]["type"] == "InvalidRequest"
    assert (outcome.exit_code, outcome.stderr[:7]) == (125, "error: ")


def test_a_session_without_a_name_is_stopped(
    code_interpreter: CommandLine, interpreter: CodeInterpreter
) -> None:
    before = {sandbox.session_id for sandbox in interpreter.sandboxes("TERMINATED")}
    outcome = code_interpreter("exec", "--json", "1/0")
    own = json.loads(outcome.stdout)["session_id"]
    assert own not in before
    assert own in {sandbox.session_id for sandbox in interpreter.sandboxes("TERMINATED")}


def test_a_file_that_the_program_writes_is_fetched(
    code_interpreter: CommandLine, tmp_path: Path
) -> None:
    Path("a.py").write_text("open('out.bin', 'wb').write(bytes(range(256))); print('written')")
    run = ("--session", "cli-programs", "run", "a.py")
    outcome = code_interpreter(*run, "--output", "./out.bin")
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (0, "written\n", "")
    assert (tmp_path / "out.bin").read_bytes() == bytes(range(256))
    outcome = code_interpreter(*run, "--output", "other.bin")
    assert outcome.exit_code == 125
    assert "error: the program did not write other.bin\n" in outcome.stderr


def test_figures_are_saved_where_they_are_wanted(
    code_interpreter: CommandLine, tmp_path: Path
) -> None:
    session = ("--session", "cli-programs")
    outcome = code_interpreter(*session, "exec", SHOW_FIGURE)
    assert outcome.stderr == "note: 1 figure; --figures FOLDER saves them\n"
    assert list(tmp_path.iterdir()) == []
    outcome = code_interpreter(*session, "exec", SHOW_FIGURE, "--figures", "pictures")
    assert outcome.stderr == "note: saved pictures/figure-1.png\n"
    assert (tmp_path / "pictures" / "figure-1.png").read_bytes().startswith(b"\x89PNG")


def test_a_key_gets_the_result_and_runs_nothing_again(code_interpreter: CommandLine) -> None:
    code = "runs = globals().get('runs', 0) + 1; print(runs)"
    for _ in range(2):
        outcome = code_interpreter("--session", "cli-programs", "exec", "--key", "cli-key-1", code)
        assert outcome.stdout == "1\n"


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("exec", "print('begun'); open('begun', 'w'); import time; time.sleep(100); print('late')"),
        pytest.param("sh", "echo begun; touch begun; sleep 100; echo late", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_ends_the_program_and_shows_its_output(
    interpreter: CodeInterpreter,
    environment: dict[str, str],
    tmp_path: Path,
    command: str,
    program: str,
) -> None:
    session = interpreter.session(f"cli-interrupt-{command}")
    arguments = (*COMMAND, "--session", session.name, command, program)
    with Terminal(*arguments, environment=environment, folder=tmp_path) as terminal:
        wait_for_file(session, "begun")
        terminal.type(CTRL_C)
        assert terminal.wait() == 130
        assert "\r\nbegun\r\n" in terminal.shown
        assert "late" not in terminal.shown.replace(program, "").splitlines()
    # The session is kept, and free again.
    assert session.run("print('free')", timeout=20).stdout == "free"


def test_the_help_waits_for_no_import_that_it_does_not_need() -> None:
    program = (
        "import sys; from code_interpreter_client.cli.app import main; main(['--help']);"
        "sys.exit(' '.join({'boto3', 'botocore', 'prompt_toolkit', 'rich'} & {*sys.modules}) or 0)"
    )
    completed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (completed.stderr, completed.returncode) == ("", 0)
    assert "Usage: code-interpreter" in completed.stdout
