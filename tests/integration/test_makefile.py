"""The Makefile, with a program in the place of the CDK CLI and of Python."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import run_cdk

from tests.e2e.client.terminal import CTRL_C, Terminal
from tests.project import PROJECT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the Makefile and programs that print their arguments and fail."""
    shutil.copy(PROJECT / "Makefile", tmp_path)
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    for name in ("cdk", "python"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*"\nexit 3\n')
        (programs / name).chmod(0o755)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "--old-file=install", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_approved_deployment_asks_nothing(folder: Path) -> None:
    done = make(folder, "deploy", "APPROVE=yes")
    assert done.stdout == "python local/run_cdk.py deploy --all --require-approval never\n"
    assert done.returncode != 0


# The CDK CLI's own errors, recorded.
UNAPPROVED = (
    '"--require-approval" is enabled and stack includes security-sensitive updates, but terminal '
    "(TTY) is not attached so we are unable to get a confirmation from the user\n"
)
NO_ACCOUNT = (
    "CodeInterpreter: destroying... [1/2]\n❌  CodeInterpreter: destroy failed UnresolvedAccount: "
    "Unable to resolve AWS account to use. It must be either configured when you define your CDK "
    "Stack, or through the environment\n"
)
NO_CREDENTIALS = (
    "Need to perform AWS calls for account 123456789012, but no credentials have been configured\n"
)
WRONG_ACCOUNT = (
    "Need to perform AWS calls for account 123456789012, but the current credentials are for "
    "210987654321\n"
)
WRONG_SETTING = "error: context key 'code-interpreter:network' is 'foo', but it must be one of a\n"
TRACEBACK = "ModuleNotFoundError: No module named 'stacks'\n"
EXITED = "python app.py: Subprocess exited with error 1\n"
APPROVE_NOTE = "note: without a terminal .* with APPROVE=yes to approve\n"
CREDENTIALS_NOTE = "note: no AWS credentials .* AWS_PROFILE .* AWS_REGION; .*\n"


@pytest.mark.parametrize("has_terminal", [False, True])
@pytest.mark.parametrize(
    ("error", "shown", "note"),
    [
        (UNAPPROVED, UNAPPROVED, APPROVE_NOTE),
        (
            "not in UTF-8: \udce9\n" + UNAPPROVED,
            "not in UTF-8: \udce9\n" + UNAPPROVED,
            APPROVE_NOTE,
        ),
        (NO_ACCOUNT, NO_ACCOUNT, CREDENTIALS_NOTE),
        (NO_CREDENTIALS, NO_CREDENTIALS, CREDENTIALS_NOTE),
        (WRONG_ACCOUNT, WRONG_ACCOUNT, ""),
        (WRONG_SETTING + EXITED, WRONG_SETTING, ""),
        (TRACEBACK + EXITED, TRACEBACK + EXITED, ""),
    ],
)
def test_an_error_of_the_cdk_cli_is_followed_by_what_to_do(
    folder: Path, error: str, shown: str, note: str, has_terminal: bool
) -> None:
    (folder / "error").write_text(error, encoding="utf-8", errors="surrogateescape")
    (folder / ".venv/bin/cdk").write_text(
        '#!/bin/sh\necho "cdk $*"\n[ -t 2 ] && echo terminal\ncat error >&2\nexit 3\n'
    )
    reader, writer = pty.openpty() if has_terminal else os.pipe()
    with subprocess.Popen(
        [
            sys.executable,
            PROJECT / "local/run_cdk.py",
            "deploy",
            "-c",
            "code-interpreter:network=public",
        ],
        cwd=folder,
        env={"PATH": f"{folder / '.venv/bin'}{os.pathsep}{os.defpath}"},
        stdout=subprocess.PIPE,
        stderr=writer,
        text=True,
    ) as process:
        os.close(writer)
        text = b"".join(run_cdk.parts(reader))
        os.close(reader)
        stdout, _ = process.communicate()
    written = text.decode(errors="surrogateescape").replace("\r\n", "\n")
    terminal = "terminal\n" if has_terminal else ""
    assert stdout == f"cdk deploy -c code-interpreter:network=public\n{terminal}"
    assert re.fullmatch(re.escape(shown) + note, written)
    assert process.returncode == 3


@pytest.mark.parametrize("has_terminal", [False, True])
def test_output_and_errors_of_the_cdk_cli_keep_their_order(
    folder: Path, has_terminal: bool
) -> None:
    """The CDK CLI writes a table to standard error, and a question about it to standard output."""
    lines = [f"{name} {number}" for number in range(200) for name in ("table", "question")]
    (folder / ".venv/bin/cdk").write_text(
        f"#!{sys.executable}\nimport os\nfor number in range(200):\n"
        "    os.write(2, b'table %d\\n' % number)\n    os.write(1, b'question %d\\n' % number)\n"
    )
    reader, writer = pty.openpty() if has_terminal else os.pipe()
    with subprocess.Popen(
        [sys.executable, PROJECT / "local/run_cdk.py", "deploy"],
        env={"PATH": f"{folder / '.venv/bin'}{os.pathsep}{os.defpath}"},
        stdout=writer,
        stderr=writer,
    ):
        os.close(writer)
        text = b"".join(run_cdk.parts(reader))
        os.close(reader)
    assert text.decode().splitlines() == lines


def test_ctrl_c_ends_the_cdk_cli_which_is_waited_for(folder: Path) -> None:
    """Without a terminal, as in `make deploy | tee log`."""
    (folder / ".venv/bin/cdk").write_text(
        "#!/bin/sh\ntrap 'echo ended; exit 4' INT\necho begun\nwhile :; do sleep 0.1; done\n"
    )
    with subprocess.Popen(
        [sys.executable, PROJECT / "local/run_cdk.py", "deploy"],
        env={"PATH": f"{folder / '.venv/bin'}{os.pathsep}{os.defpath}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate(timeout=30) == ("ended\n", "")
    assert process.returncode == 4


@pytest.mark.parametrize(
    ("target", "variable", "allowed"),
    [
        ("deploy", "APPROVE=ja", "APPROVE is ja, but it must be yes or no"),
        ("local", "QUIET=maybe", "QUIET is maybe, but it must be yes or no"),
        ("synth", "CONTEXT=network=public", "CONTEXT is network=public, but it must be options"),
    ],
)
def test_a_value_that_is_not_allowed_runs_nothing(
    folder: Path, target: str, variable: str, allowed: str
) -> None:
    done = make(folder, target, variable)
    [line] = done.stderr.splitlines()
    assert allowed in line
    assert done.stdout == ""
    assert done.returncode != 0


def test_without_the_variables_of_a_local_aws_there_is_no_shell(folder: Path) -> None:
    """The shell would run in the account that the environment names."""
    (folder / ".venv/bin/code-interpreter").write_text("#!/bin/sh\necho the shell runs\n")
    (folder / ".venv/bin/code-interpreter").chmod(0o755)
    assert make(folder, "shell", "PORT=abc").stdout == ""


def test_ctrl_c_in_the_shell_does_not_end_make(folder: Path) -> None:
    (folder / ".venv/bin/python").write_text(
        f'#!/bin/sh\n[ "$1" = -m ] || exec {sys.executable} {PROJECT}/"$@"\n'
    )
    (folder / ".venv/bin/code-interpreter").write_text(
        "#!/bin/sh\ntrap 'echo caught; exit 0' INT\necho begun\nwhile :; do sleep 0.1; done\n"
    )
    (folder / ".venv/bin/code-interpreter").chmod(0o755)
    command = (shutil.which("make") or "make", "--old-file=install", "shell")
    with Terminal(*command, environment={}, folder=folder) as terminal:
        terminal.expect("begun")
        terminal.type(CTRL_C)
        assert terminal.wait() == 0
    assert terminal.shown.split() == ["begun", "^Ccaught"]


def test_without_a_terminal_a_program_ends_as_it_does_alone() -> None:
    program = [sys.executable, str(PROJECT / "local/foreground.py"), "sh", "-c", "kill -TERM $$"]
    done = subprocess.run(program, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == -signal.SIGTERM


@pytest.mark.parametrize("target", ["synth", "bootstrap", "deploy", "destroy", "destroy-network"])
def test_every_target_that_runs_the_app_gets_the_context(folder: Path, target: str) -> None:
    done = make(folder, target, "CONTEXT=-c code-interpreter:region=eu-central-1")
    assert "-c code-interpreter:region=eu-central-1" in done.stdout


@pytest.mark.parametrize(
    ("target", "program"),
    [
        ("synth", "deployed_stacks.py --profile mine"),
        ("deploy", "unused_network.py --profile mine"),
        ("destroy", "kept_bucket.py --profile mine"),
    ],
)
def test_the_cdk_cli_is_followed_by_a_program_that_names_things(
    folder: Path, target: str, program: str
) -> None:
    (folder / ".venv/bin/python").write_text('#!/bin/sh\necho "python $*"\n')
    lines = make(folder, target, "CONTEXT=--profile mine").stdout.splitlines()
    assert lines[0].startswith(f"python local/run_cdk.py {target}")
    assert lines[1] == f"python local/{program}"


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        ([], "local_aws.project --port 4566"),
        (["EMPTY=1"], "local_aws --port 4566"),
        (["QUIET=1", "PORT=0"], "local_aws.project --port 0 --quiet"),
        (["LIBRARIES=full"], "local_aws.project --port 4566 --libraries full"),
    ],
)
def test_the_variables_of_make_local_are_options(
    folder: Path, variables: list[str], arguments: str
) -> None:
    done = make(folder, "local", *variables)
    assert done.stdout == f"python -m {arguments}\n"


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        ([], "--stack CodeInterpreter"),
        (["STACK=Mine", "YES=1"], "--stack Mine --yes"),
        (["ONLY=home,traceback", "LIST=1"], "--stack CodeInterpreter --only home,traceback --list"),
        (["CLEAN=1", "YES=0"], "--stack CodeInterpreter --clean"),
    ],
)
def test_the_variables_of_make_verify_are_options(
    folder: Path, variables: list[str], arguments: str
) -> None:
    done = make(folder, "verify", *variables)
    assert done.stdout == f"python -m verify {arguments}\n"
