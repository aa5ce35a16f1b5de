"""Everything that the emulated service remembers."""

from __future__ import annotations

from pathlib import Path

from agentcore_emulator.sandbox import Sandbox
from agentcore_emulator.service.clock import Clock
from agentcore_emulator.service.control import CodeInterpreters, Outcomes
from agentcore_emulator.service.data import Sessions, StartSandbox
from agentcore_emulator.service.rates import Rates
from agentcore_emulator.settings import EmulatorSettings


class ServiceState:
    """The clock, the code interpreters and the sessions of every account and region."""

    clock: Clock
    interpreters: CodeInterpreters
    sessions: Sessions
    rates: Rates

    def __init__(
        self,
        settings: EmulatorSettings,
        outcomes: Outcomes,
        start_sandbox: StartSandbox | None,
        directory: Path,
    ) -> None:
        """Sessions live below `directory`; `start_sandbox` replaces the real sandbox."""
        self._settings = settings
        self._outcomes = outcomes
        self._start_sandbox = start_sandbox or self._start_real_sandbox
        self._directory = directory
        self._begin()

    async def reset(self) -> None:
        """End every session and forget everything, the clock's advance included."""
        await self.sessions.close()
        self._begin()

    def _begin(self) -> None:
        self.clock = Clock()
        self.interpreters = CodeInterpreters(self._settings, self.clock, self._outcomes)
        self.sessions = Sessions(
            self._settings, self.clock, self.interpreters, self._start_sandbox, self._directory
        )
        self.rates = Rates(self._settings, self.clock)

    async def _start_real_sandbox(self, directory: Path) -> Sandbox:
        return await Sandbox.start(directory, self._settings.sandbox)
