"""The core of the adapters: commands and files in the sandbox of a session."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from code_interpreter_client import OutcomeUnknown, Session
from code_interpreter_client.adapters.sandbox import Sandbox, shell_command
from code_interpreter_client.function import new_key

# Where a command has its output in the sandbox, by its token.
FOLDER = "/tmp/code-interpreter-"


@pytest.fixture
def sandbox(shared_session: Session) -> Sandbox:
    return Sandbox(shared_session)


@pytest.fixture
def own_sandbox(session: Session) -> Sandbox:
    return Sandbox(session)


def test_a_command_has_two_outputs_and_its_own_exit_code(sandbox: Sandbox) -> None:
    done = sandbox.run(shell_command("printf out; printf err >&2; exit 7"))
    assert (done.exit_code, done.stdout, done.stderr, done.timed_out) == (7, "out", "err", False)


def test_merged_output_has_its_order(sandbox: Sandbox) -> None:
    done = sandbox.run(shell_command("echo 1; echo 2 >&2; echo 3"), merge=True)
    assert (done.stdout, done.stderr) == ("1\n2\n3\n", "")


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["no-such-program"], 127),
        (["/etc/passwd"], 126),
        (["sh", "-c", "kill -9 $$"], 128 + 9),
    ],
)
def test_a_command_that_cannot_end_by_itself_has_the_exit_code_of_a_shell(
    sandbox: Sandbox, argv: list[str], code: int
) -> None:
    assert sandbox.run(argv).exit_code == code


def test_a_command_has_its_folder_and_its_variables(sandbox: Sandbox) -> None:
    done = sandbox.run(["sh", "-c", 'pwd -P; echo "$A"'], cwd="/usr", env={"A": "b c"})
    assert done.stdout == "/usr\nb c\n"
    with pytest.raises(FileNotFoundError):
        sandbox.run(["true"], cwd="/no/such/folder")


def test_a_command_that_exceeds_its_time_is_ended_with_its_children(sandbox: Sandbox) -> None:
    began = time.monotonic()
    script = "echo begun; (sleep 2; touch survived) & sleep 100"
    done = sandbox.run(shell_command(script), timeout=0.5)
    assert (done.timed_out, done.stdout) == (True, "begun\n")
    assert time.monotonic() - began < 10
    sandbox.run(["sleep", "2.5"])
    assert not sandbox.exists("survived")


LARGE = pytest.param(7_000_000, marks=pytest.mark.slow)


@pytest.mark.parametrize("size", [pytest.param(999_999, marks=pytest.mark.slow), 1_000_001, LARGE])
def test_large_output_comes_whole_and_leaves_nothing(sandbox: Sandbox, size: int) -> None:
    script = f"import sys; sys.stdout.write('o' * {size}); sys.stderr.write('e' * {size})"
    token = new_key()
    done = sandbox.run(["python3", "-c", script], token=token)
    assert (done.stdout == "o" * size, done.stderr == "e" * size) == (True, True)
    assert not sandbox.exists(f"{FOLDER}{token}")


def test_a_command_longer_than_a_command_line_runs(sandbox: Sandbox) -> None:
    text = "x" * 500_000
    done = sandbox.run(["sh", "-c", 'printf %s "${#A}"'], env={"A": text[:100_000]})
    assert done.stdout == "100000"
    done = sandbox.run(
        ["python3", "-c", "import sys; print(sum(map(len, sys.argv)))", text[:90_000]]
    )
    assert done.stdout == "90002\n"
    assert temporary_files(sandbox) == []


@pytest.mark.parametrize("size", [0, 29_999, 100_000, LARGE])
def test_files_of_every_size(sandbox: Sandbox, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    sandbox.write("/tmp/some/folder/file.bin", data[:size])
    assert sandbox.read("/tmp/some/folder/file.bin") == data[:size]
    assert sandbox.describe("/tmp/some/folder/file.bin").size == size
    assert temporary_files(sandbox) == []


def test_a_relative_path_is_one_in_the_working_directory(sandbox: Sandbox) -> None:
    sandbox.write("relative.bin", b"r")
    assert sandbox.read(f"{sandbox.working_folder()}/relative.bin") == b"r"


def temporary_files(sandbox: Sandbox) -> list[str]:
    """Return the files of large requests that are still in the working directory."""
    names = [entry.name for entry in sandbox.list(".")]
    return [name for name in names if re.fullmatch(r"\.[0-9a-f]{32}", name)]


def test_a_cancelled_command_is_ended(sandbox: Sandbox) -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(
            sandbox.run_cancellable(shell_command("echo $$ > pid; sleep 100"))
        )
        while not await asyncio.to_thread(sandbox.exists, "pid"):
            await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    deadline = time.monotonic() + 20
    while sandbox.run(shell_command("kill -0 $(cat pid)")).exit_code == 0:
        assert time.monotonic() < deadline


def test_a_command_that_is_stopped_before_it_comes_does_not_begin(sandbox: Sandbox) -> None:
    sandbox.stop("token")
    done = sandbox.run(["touch", "begun"], token="token")
    assert (done.exit_code, sandbox.exists("begun")) == (137, False)


def test_a_sandbox_that_has_ended_is_replaced(own_sandbox: Sandbox) -> None:
    folder = own_sandbox.working_folder()
    own_sandbox.write("lost.txt", b"x")
    own_sandbox.session.stop()
    assert not own_sandbox.exists("lost.txt")
    assert own_sandbox.run(["pwd", "-P"]).stdout.strip() == own_sandbox.working_folder()
    assert folder


def test_a_command_whose_sandbox_ends_may_have_run(
    own_sandbox: Sandbox,
) -> None:
    async def end_while_it_runs() -> None:
        command = asyncio.create_task(
            asyncio.to_thread(own_sandbox.run, shell_command("touch begun; sleep 60"))
        )
        while not await asyncio.to_thread(own_sandbox.exists, "begun"):
            await asyncio.sleep(0.05)
        await asyncio.to_thread(own_sandbox.session.stop)
        with pytest.raises(OutcomeUnknown):
            await command

    asyncio.run(end_while_it_runs())
