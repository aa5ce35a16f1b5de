"""executeCommand."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.emulator.sandbox.conftest import Sandboxes, StartedSandbox


def test_a_command_runs_on_a_terminal(sandbox: StartedSandbox) -> None:
    result = sandbox.command("echo 'Hello world!'")
    seconds = result["structuredContent"].pop("executionTime")
    assert result == {
        "content": [{"type": "text", "text": "Hello world!\r\n"}],
        "structuredContent": {"stdout": "Hello world!\r\n", "stderr": "", "exitCode": 0},
        "isError": False,
    }
    assert 0 < seconds < 60
    assert sandbox.command("test -t 1 && test -t 2 && stty size <&1")["structuredContent"][
        "stdout"
    ] == ("24 80\r\n")


def test_standard_error_is_part_of_the_output(sandbox: StartedSandbox) -> None:
    result = sandbox.command("echo out; echo err >&2")
    assert result["structuredContent"]["stdout"] == "out\r\nerr\r\n"
    assert result["structuredContent"]["stderr"] == ""


def test_the_output_of_a_failure_moves_to_stderr(sandbox: StartedSandbox) -> None:
    result = sandbox.command("echo hello; exit 3")
    assert result["isError"] is True
    assert result["content"] == [{"type": "text", "text": "hello\r\n"}]
    assert result["structuredContent"]["stdout"] == ""
    assert result["structuredContent"]["stderr"] == "hello\r\n"
    assert result["structuredContent"]["exitCode"] == 3


@pytest.mark.parametrize(
    ("command", "exit_code"),
    [("no-such-program", 127), ("timeout 0.1 sleep 5", 124), ("kill -9 $$", 137), ("false", 1)],
)
def test_exit_codes_are_the_shells(sandbox: StartedSandbox, command: str, exit_code: int) -> None:
    assert sandbox.command(command)["structuredContent"]["exitCode"] == exit_code


def test_each_command_has_a_new_shell(sandbox: StartedSandbox) -> None:
    sandbox.command("mkdir -p folder && cd folder && export KEPT=1 && touch file")
    result = sandbox.command("echo ${KEPT:-unset} $(basename $PWD); ls folder")
    assert result["structuredContent"]["stdout"] == "unset var\r\nfile\r\n"


def test_the_shell_is_bash(sandbox: StartedSandbox) -> None:
    assert sandbox.command("[[ -n $BASH_VERSION ]] && echo {1..3}")["isError"] is False


def test_a_command_that_reads_finds_nothing(sandbox: StartedSandbox) -> None:
    assert sandbox.command("cat; echo done")["structuredContent"]["stdout"] == "done\r\n"


def test_a_command_waits_on_the_terminal_if_set(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(command_input="terminal")
    assert sandbox.command("test -t 0 && timeout 0.2 cat")["structuredContent"]["exitCode"] == 124


def test_what_runs_in_the_background_ends_with_the_call(sandbox: StartedSandbox) -> None:
    before = sandbox.sandbox.process_ids()
    started = time.monotonic()
    result = sandbox.command(
        "sleep 60 & setsid sleep 60 & (nohup sleep 60 >log/out 2>&1 &) ; echo started"
    )
    assert result["structuredContent"]["stdout"] == "started\r\n"
    assert time.monotonic() - started < 55
    assert sandbox.sandbox.process_ids() == before


def test_commands_overlap(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start()

    async def both() -> None:
        await asyncio.gather(
            sandbox.sandbox.invoke("executeCommand", {"command": "until test -e go; do :; done"}),
            sandbox.sandbox.invoke("executeCommand", {"command": "touch go"}),
        )

    sandboxes.run(both())


def test_a_cancelled_command_ends(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start()
    before = sandbox.sandbox.process_ids()

    async def cancel() -> None:
        call = asyncio.ensure_future(
            sandbox.sandbox.invoke("executeCommand", {"command": "touch begun; sleep 60 & wait"})
        )
        while not (sandbox.work / "begun").exists():
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    sandboxes.run(cancel())
    assert sandbox.sandbox.process_ids() == before


def test_a_command_as_long_as_the_kernel_takes_runs(sandbox: StartedSandbox) -> None:
    padding = "#" * (131_071 - len("echo long "))
    assert sandbox.command(f"echo long {padding}")["structuredContent"]["stdout"] == "long\r\n"


def test_a_longer_command_is_refused_with_advice(sandbox: StartedSandbox) -> None:
    result = sandbox.command("#" * 131_072)
    assert result["isError"] is True
    assert "structuredContent" not in result
    assert "131072" in result["content"][0]["text"]
    assert "writeFiles" in result["content"][0]["text"]


def test_a_command_with_a_nul_character_is_refused(sandbox: StartedSandbox) -> None:
    assert "NUL" in sandbox.command("echo \0")["content"][0]["text"]


def test_output_is_cut_off_and_says_so(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(output_bytes=1000)
    stdout = sandbox.command("head -c 100000 /dev/zero | tr '\\0' x")["structuredContent"]["stdout"]
    assert stdout == "x" * 1000 + "\n[output truncated: 1000 of 100000 bytes]"


def test_bytes_that_are_no_text_become_replacement_characters(sandbox: StartedSandbox) -> None:
    result = sandbox.command(r"printf 'a\xff\xc3\xa9\n'")
    assert result["structuredContent"]["stdout"] == "a\ufffdé\r\n"
