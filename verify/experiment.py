"""An experiment, and its finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from agentcore_emulator.sandbox import SandboxSettings
from agentcore_emulator.settings import EmulatorSettings

if TYPE_CHECKING:
    from verify.context import Context

Outcome = Literal["holds", "differs", "could not be tried"]
StackKind = Literal["Permissions", "Mounts", "Function", "FunctionInVpc", "Gateway", "Sealed"]


@dataclass(frozen=True)
class Finding:
    """The outcome of an experiment, with the evidence for it.

    `seconds` has measured times by name, for the table of latencies, and `details` has what is too
    long for people: only the JSON of the results has it.
    """

    outcome: Outcome
    evidence: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """The value that a setting of the emulator needs to behave as the service has."""

    value: Any
    evidence: str


class NotTriedError(Exception):
    """The experiment could not be tried; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """An open question, and the function that settles it.

    :param name: The name for ONLY=.
    :param question: A question that yes or no, or the value of `setting`, settles.
    :param method: How the experiment settles it.
    :param emulator: How the emulator behaves, where no setting says it.
    :param run: Tries it. It returns a reading if there is a setting.
    :param setting: The field of the emulator's settings that has the project's assumption.
    :param stack: The stack of its own that the experiment deploys.
    :param minutes: The most that the experiment takes, without its stack.
    :param sandboxes: The sandboxes that it keeps at once, each busy for all that time at most.
    :param dollars: Further costs in USD at most, such as a NAT gateway's.
    :param not_local: Why the local AWS cannot try it. Default: it can.
    """

    name: str
    question: str
    method: str
    run: Callable[[Context], Finding | Reading]
    emulator: str = ""
    setting: str | None = None
    stack: StackKind | None = None
    minutes: float = 1
    sandboxes: int = 1
    dollars: float = 0
    not_local: str | None = None

    @property
    def assumption(self) -> str:
        """How the emulator behaves, for people."""
        if self.setting is None:
            return self.emulator
        return f"{self.setting}={show(default_of(self.setting))}"

    def settle(self, found: Finding | Reading) -> Finding:
        """Compare a reading with the emulator's setting, and return the finding."""
        if isinstance(found, Finding):
            return found
        assert self.setting is not None, f"{self.name} returned a reading and has no setting"
        if found.value == default_of(self.setting):
            return holds(found.evidence)
        return differs(f"{self.setting} should be {show(found.value)}: {found.evidence}")


def default_of(setting: str) -> Any:
    """Return the default of a field of the emulator's settings."""
    defaults = {
        field.name: field.default
        for settings in (EmulatorSettings, SandboxSettings)
        for field in fields(settings)
    }
    return defaults[setting]


def show(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def holds(evidence: str) -> Finding:
    return Finding("holds", evidence)


def differs(evidence: str) -> Finding:
    return Finding("differs", evidence)


def not_tried(reason: str) -> Finding:
    return Finding("could not be tried", reason)


def holds_if(condition: bool, evidence: str) -> Finding:
    return holds(evidence) if condition else differs(evidence)
