"""Sandboxes for tests that are not written with async."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentcore_emulator.sandbox import LocalSandbox, SandboxSettings


class Sandboxes:
    """Starts sandboxes in an event loop, and runs their operations in it."""

    def __init__(self, runner: asyncio.Runner, directory: Path) -> None:
        self.run = runner.run
        self._directory = directory
        self._numbers = itertools.count()
        self._started: list[StartedSandbox] = []

    def start(self, **settings: Any) -> StartedSandbox:
        directory = self._directory / f"session-{next(self._numbers)}"
        sandbox = self.run(LocalSandbox.start(directory, SandboxSettings(**settings)))
        self._started.append(StartedSandbox(sandbox, directory, self))
        return self._started[-1]

    def close(self) -> None:
        for sandbox in self._started:
            sandbox.close()


class StartedSandbox:
    """A sandbox whose methods return when the operation has ended."""

    def __init__(self, sandbox: LocalSandbox, directory: Path, sandboxes: Sandboxes) -> None:
        self.sandbox = sandbox
        self.directory = directory
        self._sandboxes = sandboxes
        self._open = True

    @property
    def work(self) -> Path:
        """The folder its programs work in, as the machine sees it."""
        return self.directory / "var"

    def invoke(self, name: str, **arguments: Any) -> dict[str, Any]:
        return self._sandboxes.run(self.sandbox.invoke(name, arguments))

    def python(self, code: str, **arguments: Any) -> dict[str, Any]:
        return self.invoke("executeCode", language="python", code=code, **arguments)

    def command(self, command: str) -> dict[str, Any]:
        return self.invoke("executeCommand", command=command)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._sandboxes.run(self.sandbox.close())


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def sandboxes(loop: asyncio.Runner, tmp_path: Path) -> Iterator[Sandboxes]:
    sandboxes = Sandboxes(loop, tmp_path)
    yield sandboxes
    sandboxes.close()


@pytest.fixture(scope="module")
def sandbox(
    loop: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartedSandbox]:
    """Start a sandbox with the default settings, for tests that leave it unchanged."""
    sandboxes = Sandboxes(loop, tmp_path_factory.mktemp("sandbox"))
    yield sandboxes.start()
    sandboxes.close()
