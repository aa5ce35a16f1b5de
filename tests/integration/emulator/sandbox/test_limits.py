"""The resources that programs may use, and the parts of the machine that they see."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentcore_emulator.sandbox.supervisor.namespaces import TEMPORARY

if TYPE_CHECKING:
    from tests.integration.emulator.sandbox.conftest import Sandboxes

HERE = Path(__file__).parent

# Each ends after a while, so that a test fails and does not hang if a limit does not hold.
TOO_MANY_PROCESSES = "for i in {1..60}; do sleep 60 & done; wait"
TOO_MUCH_MEMORY = (
    "hog() { python -I -c 'x = bytearray(80_000_000); import time; time.sleep(60)'; };"
    "hog & hog & hog & hog & wait"
)
TOO_MUCH_DISK = "for i in {1..6}; do head -c 4000000 /dev/zero > file$i; done; sleep 60"


PROCESSES = ({"processes": 30}, TOO_MANY_PROCESSES, "more than 30 processes")
MEMORY = ({"memory_bytes": 200_000_000}, TOO_MUCH_MEMORY, "more than 200000000 bytes of memory")
DISK = ({"disk_bytes": 10_000_000}, TOO_MUCH_DISK, "more than 10000000 bytes of disk")


@pytest.mark.parametrize(
    ("limit", "command", "words", "namespaces"),
    [
        (*PROCESSES, True),
        (*PROCESSES, False),
        (*MEMORY, True),
        (*DISK, True),
        # Without namespaces, only the limit of processes is kept in another way.
        pytest.param(*MEMORY, False, marks=pytest.mark.slow),
        pytest.param(*DISK, False, marks=pytest.mark.slow),
    ],
)
def test_a_program_that_uses_too_much_is_ended(
    sandboxes: Sandboxes, limit: dict[str, int], command: str, words: str, namespaces: bool
) -> None:
    sandbox = sandboxes.start(namespaces=namespaces, **limit)
    result = sandbox.command(command)
    assert result["isError"] is True
    assert result["structuredContent"]["exitCode"] == 137
    assert f"Ended by the sandbox: {words}." in result["structuredContent"]["stderr"]
    assert sandbox.command("echo usable")["isError"] is False


def test_a_kernel_that_uses_too_much_is_ended(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(processes=30)
    result = sandbox.python(
        "import subprocess, time\n"
        "for _ in range(60): subprocess.Popen(['sleep', '60']); time.sleep(0.02)\n"
        "time.sleep(60)"
    )
    assert "more than 30 processes" in result["structuredContent"]["stderr"]
    assert sandbox.python("print(1)")["structuredContent"]["stdout"] == "1"


@pytest.mark.parametrize(
    ("limit", "code", "error"),
    [
        ({"memory_bytes": 400_000_000}, "x = bytearray(500_000_000)", "MemoryError"),
        # The supervisor may measure the disk before the program has shown its error.
        (
            {"disk_bytes": 1_000_000},
            "open('x', 'wb').write(bytes(2_000_000))",
            "File too large|more than 1000000 bytes of disk",
        ),
        ({"open_files": 100}, "x = [open('/dev/null') for _ in range(200)]", "Too many open files"),
    ],
)
def test_a_process_that_meets_its_limit_gets_an_error(
    sandboxes: Sandboxes, limit: dict[str, int], code: str, error: str
) -> None:
    result = sandboxes.start(**limit).python(code)
    assert result["isError"] is True
    assert re.search(error, result["structuredContent"]["stderr"])


def test_nothing_of_the_machine_is_writable(sandboxes: Sandboxes, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    sandbox = sandboxes.start()
    result = sandbox.command(
        f"for path in ~ . $TMPDIR /tmp /var/tmp /dev/shm {HERE} {Path.home()} /usr/bin"
        " .. ../staging $(dirname $(realpath $(which python))) /proc/sys/kernel;"
        " do touch $path/new 2>/dev/null && echo $path; done;"
        f" echo overwritten > {tmp_path}/file; rm -rf {HERE} 2>/dev/null; true"
    )
    written = result["structuredContent"]["stdout"].splitlines()
    session = sandbox.directory
    assert written == [str(session / "var"), ".", str(session / "tmp"), *TEMPORARY]
    assert (tmp_path / "file").read_text() == "kept"
    assert not any((Path(folder) / "new").exists() for folder in TEMPORARY)


def test_only_the_sessions_processes_are_seen(sandboxes: Sandboxes) -> None:
    numbers = sandboxes.start().command("ls -d /proc/[0-9]*")["structuredContent"]["stdout"].split()
    assert len(numbers) <= 6
    outside = sandboxes.start(namespaces=False).command(f"kill -0 {os.getpid()} && echo seen")
    assert outside["structuredContent"]["stdout"] == "seen\r\n"


def test_folders_with_credentials_look_empty(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(hidden_folders=("/usr/share", "/missing"))
    listing = sandbox.command("ls -A /usr/share")
    assert listing["structuredContent"]["stdout"] == ""
    assert listing["isError"] is False


def test_no_privilege_is_left(sandboxes: Sandboxes) -> None:
    for namespaces in (True, False):
        status = sandboxes.start(namespaces=namespaces).command("cat /proc/self/status")
        lines = status["structuredContent"]["stdout"].split("\r\n")
        found = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert int(found["CapEff"], 16) == 0
        assert found["NoNewPrivs"] == "1"
