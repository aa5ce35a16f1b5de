"""A session's processes and files are gone when the emulator is, whatever happened to it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentcore_emulator.sandbox import supervisor_client
from agentcore_emulator.sandbox.operations.files import Files
from agentcore_emulator.sandbox.supervisor.processes import children, descendants
from agentcore_emulator.sandbox.supervisor_client import Supervisor
from tests.integration.emulator.serving import wait_until
from tests.project import PROJECT

if TYPE_CHECKING:
    from tests.integration.emulator.sandbox.conftest import Sandboxes

EMULATOR = """
import asyncio, json, os, sys
from pathlib import Path
from agentcore_emulator.sandbox import LocalSandbox, SandboxSettings

async def start(directory, namespaces):
    sandbox = await LocalSandbox.start(directory, SandboxSettings(namespaces=namespaces))
    code = "import subprocess; subprocess.Popen(['sleep', '99'])"
    await sandbox.invoke("executeCode", {"code": code})
    await sandbox.invoke("startCommandExecution", {"command": "(setsid sleep 99 &); sleep 99"})
    while len(sandbox.process_ids()) < 8:  # guard, session, two holders, kernel, three sleeps
        await asyncio.sleep(0.01)
    return sandbox

async def main():
    folder = Path(sys.argv[1])
    sandboxes = [await start(folder / "with", True), await start(folder / "without", False)]
    child = 0
    if sys.argv[2] == "leaking":  # another process has the sandboxes' sockets
        child = os.fork()
        if child == 0:
            import time
            time.sleep(99)
    pids = [pid for sandbox in sandboxes for pid in sandbox.process_ids()]
    parent = Path(f"/proc/{pids[0]}/stat").read_text().rpartition(")")[2].split()[1]  # template
    print(json.dumps({"pids": [*pids, int(parent)], "child": child}), flush=True)
    await asyncio.sleep(99)

asyncio.run(main())
"""


class Emulator:
    """A process that can be killed. It has sandboxes with programs, with and without namespaces."""

    def __init__(self, folder: Path, kind: str) -> None:
        source = PROJECT / "local"
        self.process = subprocess.Popen(
            [sys.executable, "-c", EMULATOR, str(folder), kind],
            env={**os.environ, "PYTHONPATH": str(source)},
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout
        started: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.pids: list[int] = started["pids"]
        self.child: int = started["child"]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        if self.child:
            with suppress(ProcessLookupError):
                os.kill(self.child, signal.SIGKILL)
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture(params=[True, False], ids=["namespaces", "no namespaces"])
def namespaces(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


# The sandboxes of the second have to end in spite of a process that has their sockets.
@pytest.fixture(params=[pytest.param("plain", marks=pytest.mark.slow), "leaking"])
def emulator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path, request.param)
    yield emulator
    emulator.close()


def gone(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def test_nothing_is_left_of_a_session_whose_emulator_was_killed(
    emulator: Emulator, tmp_path: Path
) -> None:
    assert [gone(pid) for pid in emulator.pids].count(False) >= 16
    emulator.kill()
    deadline = time.monotonic() + 60
    while not all(map(gone, emulator.pids)) or list(tmp_path.iterdir()):
        assert time.monotonic() < deadline, [pid for pid in emulator.pids if not gone(pid)]
        time.sleep(0.01)


def test_a_signal_to_the_supervisor_does_not_end_a_session(
    sandboxes: Sandboxes, namespaces: bool
) -> None:
    """Least of all the kernel's, when a thread of the emulator has ended."""
    sandbox = sandboxes.start(namespaces=namespaces)
    guard, session = sandbox.sandbox.process_ids()
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(guard, number)
        os.kill(session, number)
    assert sandbox.command("echo usable")["isError"] is False


@pytest.mark.parametrize("victim", [0, 1], ids=["guard", "session"])
def test_a_session_ends_with_its_supervisor_and_leaves_nothing(
    sandboxes: Sandboxes, namespaces: bool, victim: int
) -> None:
    sandbox = sandboxes.start(namespaces=namespaces)
    sandbox.invoke("startCommandExecution", command="(setsid sleep 99 &); sleep 99")
    sandbox.command("true")
    pids = sandbox.sandbox.process_ids()
    os.kill(pids[victim], signal.SIGKILL)
    result = sandbox.command("echo usable")
    assert result["isError"] is True
    assert sandbox.python("1")["isError"] is True
    assert sandbox.invoke("listFiles", directoryPath="")["isError"] is True
    sandbox.close()
    assert all(map(gone, pids))
    assert not sandbox.directory.exists()


def test_closing_waits_for_a_process_that_takes_long_to_exit(
    sandboxes: Sandboxes, namespaces: bool
) -> None:
    """The kernel takes its time to free much memory, and shows no environment meanwhile."""
    sandbox = sandboxes.start(namespaces=namespaces)
    code = "x = bytearray(b'x') * 500_000_000; open('begun', 'w'); import time; time.sleep(99)"
    sandbox.invoke("startCommandExecution", command=f'python -I -S -c "{code}"')
    sandbox.command("until test -e begun; do sleep 0.01; done")
    pids = sandbox.sandbox.process_ids()
    os.kill(pids[0], signal.SIGKILL)
    sandbox.close()
    assert all(map(gone, pids))


def test_calls_that_wait_end_when_the_supervisor_was_killed(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(namespaces=False)

    async def kill_meanwhile() -> list[dict[str, Any]]:
        calls = [
            asyncio.ensure_future(sandbox.sandbox.invoke("executeCode", {"code": code}))
            for code in ("open('begun', 'w')\nwhile True: pass", "print('waits for the other')")
        ]
        while not (sandbox.work / "begun").exists():
            await asyncio.sleep(0.01)
        for pid in sandbox.sandbox.process_ids()[:2]:
            os.kill(pid, signal.SIGKILL)
        return await asyncio.gather(*calls)

    assert [result["isError"] for result in sandboxes.run(kill_meanwhile())] == [True] * 2


def test_closing_waits_for_file_operations(
    sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that still uses the directory's descriptor would use another file's."""
    sandbox = sandboxes.start()
    go_on = threading.Event()

    def wait(_: Files, __: str) -> dict[str, Any]:
        go_on.wait()
        return {}

    monkeypatch.setattr(Files, "list", wait)

    async def close_meanwhile() -> bool:
        listing = asyncio.ensure_future(sandbox.sandbox.invoke("listFiles", {}))
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(sandbox.sandbox.close())
        await asyncio.wait([closing], timeout=0.2)
        closed_before = closing.done()
        go_on.set()
        await asyncio.gather(listing, closing)
        return closed_before

    assert sandboxes.run(close_meanwhile()) is False


def test_a_program_ends_with_its_holder(sandboxes: Sandboxes, namespaces: bool) -> None:
    sandbox = sandboxes.start(namespaces=namespaces)
    before = sandbox.sandbox.process_ids()
    sandbox.invoke("startCommandExecution", command="touch begun; (setsid sleep 99 &); sleep 99")
    while "begun" not in [path.name for path in sandbox.work.iterdir()]:
        sandbox.command("true")
    [holder] = set(sandbox.sandbox.process_ids()) & set(children(before[1]))
    os.kill(holder, signal.SIGKILL)
    assert sandbox.command("echo usable")["isError"] is False
    wait_until(lambda: sandbox.sandbox.process_ids() == before)


def test_a_session_works_without_the_system_calls_of_linux(
    sandboxes: Sandboxes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS: the supervisor reads the list of `ps`, in which that is its child itself."""
    shutil.copytree(supervisor_client.HERE / "supervisor", tmp_path / "supervisor")
    source = tmp_path / "supervisor" / "linux.py"
    source.write_text(source.read_text().replace('sys.platform == "linux"', "False"))
    monkeypatch.setattr(supervisor_client, "HERE", tmp_path)
    sandbox = sandboxes.start(namespaces=False)
    before = sandbox.sandbox.process_ids()
    sandbox.invoke("startCommandExecution", command="touch begun; exec sleep 20")
    while not (sandbox.work / "begun").exists():
        sandbox.command("true")
    [holder] = set(sandbox.sandbox.process_ids()) & set(children(before[1]))
    os.kill(holder, signal.SIGKILL)
    assert sandbox.command("echo usable")["isError"] is False
    sandbox.close()
    assert all(map(gone, before))


def test_closing_returns_once_the_supervisor_reports_it() -> None:
    """Without /proc or a subreaper something may be left that has its socket."""

    async def close() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            supervisor = Supervisor(subprocess.Popen(["true"]), ours, [])
            theirs.sendall(b'{"ready": true}\n{"empty": true}\n{"closed": true}\n')
            await asyncio.wait_for(supervisor.close(), 60)
        assert not supervisor.alive

    asyncio.run(close())


def test_a_session_can_be_closed_twice(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start()
    sandbox.close()
    sandboxes.run(sandbox.sandbox.close())
    assert sandbox.sandbox.process_ids() == []
    assert sandbox.command("echo usable")["isError"] is True


def test_calls_in_flight_end_with_the_session(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start()

    async def close_meanwhile() -> list[dict[str, Any]]:
        calls = [
            asyncio.ensure_future(sandbox.sandbox.invoke(name, arguments))
            for name, arguments in (
                ("executeCommand", {"command": "touch 1; sleep 99"}),
                ("executeCode", {"code": "open('2', 'w')\nwhile True: pass"}),
                ("executeCode", {"code": "print('waits for the other')"}),
            )
        ]
        while not (sandbox.work / "1").exists() or not (sandbox.work / "2").exists():
            await asyncio.sleep(0.01)
        await sandbox.sandbox.close()
        return await asyncio.gather(*calls)

    assert [result["isError"] for result in sandboxes.run(close_meanwhile())] == [True] * 3


def test_no_process_of_a_closed_session_is_left(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start()
    pids = set(sandbox.sandbox.process_ids())
    assert len(pids & set(descendants(os.getpid()))) == 2
    sandbox.close()
    assert not pids & set(descendants(os.getpid()))
