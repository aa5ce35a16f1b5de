"""Nothing of a rude program is left when its session is closed: no process, file or port.

How it is checked: this process adopts every orphan below it, so that what a sandbox forgot is
its child; a folder of its own is where temporary files are made, and must be empty; ports and
names that a program says it uses must be free.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentcore_emulator.sandbox import LocalSandbox, SandboxSettings
from agentcore_emulator.sandbox.operations.kernel import PROGRAM
from agentcore_emulator.sandbox.supervisor import linux
from agentcore_emulator.sandbox.supervisor.namespaces import TEMPORARY
from agentcore_emulator.sandbox.supervisor.processes import descendants
from agentcore_emulator.sandbox.supervisor_client import namespaces_available
from agentcore_emulator.sandbox.template_client import running_template
from tests.integration.emulator.sandbox.rude_programs import (
    ANYWHERE,
    IN_NAMESPACES,
    LIKE_OTHERS,
    Rude,
)

SECONDS = 90  # less than the programs sleep
SMALL = SandboxSettings(
    memory_bytes=500_000_000, disk_bytes=200_000_000, processes=200, output_bytes=100_000
)

CASES = [
    *(
        pytest.param(rude, True, id=name, marks=pytest.mark.slow if name in LIKE_OTHERS else ())
        for name, rude in (ANYWHERE | IN_NAMESPACES).items()
    ),
    # `make test` runs each sixth one without namespaces.
    *(
        pytest.param(
            rude,
            False,
            id=f"{name} (no namespaces)",
            marks=pytest.mark.slow if number % 6 else (),
        )
        for number, (name, rude) in enumerate(ANYWHERE.items())
    ),
]


@pytest.fixture(autouse=True)
def adopted() -> Iterator[None]:
    """Make orphans below this process its children. The template stays with this process."""
    running_template(SMALL, PROGRAM)
    linux.become_subreaper()
    yield
    linux.become_subreaper(False)


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the emulator makes temporary files. Short: paths of sockets must be."""
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def living() -> set[int]:
    """Return the processes below this process that are no zombies."""
    found = set()
    for pid in descendants(os.getpid()):
        with suppress(OSError):
            if ") Z " not in Path(f"/proc/{pid}/stat").read_text():
                found.add(pid)
    return found


async def run(sandbox: LocalSandbox, work: Path, rude: Rude, code: str) -> dict[str, Any]:
    operation, _, runtime = rude.operation.partition("/")
    arguments = {"code": code, "command": code}
    if runtime:
        arguments |= {"language": "javascript", "runtime": runtime}
    call = asyncio.ensure_future(sandbox.invoke(operation, arguments))
    if rude.endless:
        while not (work / "begun").exists():
            await asyncio.sleep(0.01)
        await sandbox.close()
    return await call


@pytest.mark.parametrize(("rude", "namespaces"), CASES)
def test_a_rude_program_leaves_nothing(
    rude: Rude, namespaces: bool, tmp_path: Path, temporary: Path
) -> None:
    name = f"rude-{uuid.uuid4()}"
    key = str(uuid.uuid4().int % 2**31)
    outside = tmp_path / "outside"
    outside.write_text("kept")
    directory = tmp_path / "session"
    code = rude.code.replace("NAME", name).replace("OUTSIDE", str(outside)).replace("KEY", key)
    before = living()

    async def session() -> str:
        sandbox = await LocalSandbox.start(directory, replace(SMALL, namespaces=namespaces))
        try:
            result = await run(sandbox, directory / "var", rude, code)
            if not rude.endless and (namespaces or rude.spares_the_session):
                usable = await sandbox.invoke("executeCommand", {"command": "echo usable"})
                assert usable["structuredContent"]["stdout"] == "usable\r\n"
        finally:
            await sandbox.close()
        return str(result)

    output = asyncio.run(asyncio.wait_for(session(), SECONDS))
    # Processes of earlier tests can end meanwhile.
    assert living() - before == set()
    assert not directory.exists()
    assert list(temporary.iterdir()) == []
    assert outside.read_text() == "kept"
    assert [folder for folder in TEMPORARY if (Path(folder) / name).exists()] == []
    assert name not in Path("/proc/net/unix").read_text()
    for kind in ("shm", "sem"):
        assert not re.search(rf"\b{key}\b", Path(f"/proc/sysvipc/{kind}").read_text())
    for port in re.findall(r"port (\d+)", output):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(port)))


def test_both_kinds_of_isolation_were_tried() -> None:
    assert namespaces_available(), "this machine makes no namespaces: half of the cases mean less"
    names = ANYWHERE.keys() | IN_NAMESPACES.keys()
    assert len(names) >= 40
    assert LIKE_OTHERS.keys() <= names
    assert set(LIKE_OTHERS.values()) <= names - LIKE_OTHERS.keys()
