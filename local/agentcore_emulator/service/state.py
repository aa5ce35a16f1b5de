"""Everything that the emulated service remembers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from agentcore_emulator.sandbox import LocalSandbox
from agentcore_emulator.service.clock import ServiceClock
from agentcore_emulator.service.control import ControlPlane, Outcomes
from agentcore_emulator.service.data import DataPlane, StartSandbox
from agentcore_emulator.service.rates import Rates
from agentcore_emulator.service.roles import EveryRole, ExecutionRoles
from agentcore_emulator.settings import EmulatorSettings


class ServiceState:
    """The clock, the code interpreters and the sessions of every account and region."""

    clock: ServiceClock
    control_plane: ControlPlane
    data_plane: DataPlane
    rates: Rates

    def __init__(
        self,
        settings: EmulatorSettings,
        outcomes: Outcomes,
        start_sandbox: StartSandbox | None,
        roles: ExecutionRoles | None,
        directory: Path,
    ) -> None:
        """Sessions live below `directory`; `start_sandbox` replaces the real sandbox."""
        self._roles = roles or EveryRole()
        self._settings = settings
        self._outcomes = outcomes
        self._start_sandbox = start_sandbox or self._start_real_sandbox
        self._directory = directory
        self._begin()

    async def reset(self) -> None:
        """End every session and forget everything, the clock's advance included."""
        await self.data_plane.close()
        self._begin()

    def _begin(self) -> None:
        self.clock = ServiceClock()
        self.control_plane = ControlPlane(self._settings, self.clock, self._outcomes, self._roles)
        self.data_plane = DataPlane(
            self._settings,
            self.clock,
            self.control_plane,
            self._roles,
            self._start_sandbox,
            self._directory,
        )
        self.rates = Rates(self._settings, self.clock)

    async def _start_real_sandbox(
        self, directory: Path, variables: Mapping[str, str]
    ) -> LocalSandbox:
        settings = self._settings.sandbox
        environment = {**settings.environment, **variables}
        return await LocalSandbox.start(
            directory, dataclasses.replace(settings, environment=environment)
        )
