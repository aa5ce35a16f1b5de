"""A plan: the operations of each client, and the faults that their requests meet."""

from __future__ import annotations

import dataclasses
import json
import random
from dataclasses import dataclass
from typing import Any

# A fault before a request has an effect, after it, or between two requests.
FAULTS = (
    "refused",
    "unreachable",
    "conflict",
    "lost",
    "dies before",
    "dies after",
    "slow",
    "gone",
)
SESSIONS = ("a", "b")
KINDS = (
    "program",
    "program",
    "program",
    "keyed",
    "keyed",
    "write",
    "save",
    "stop",
    "none",
    "upload",
)


@dataclass(frozen=True)
class Operation:
    """An operation of a client.

    `after` is the pause before it, in seconds. With `meets` it ends earlier: when the upkeep
    sends a request about the record of the session ("sweep") or about that of the spare ("spare").
    """

    id: str
    kind: str
    session: str
    after: float
    meets: str = ""
    # How long the program takes.
    takes: float = 0.0
    # Seconds after which the client sends the event again, without waiting for the first response.
    patience: float = 1_000.0
    sends: int = 1


@dataclass(frozen=True)
class Plan:
    """All that decides a history. `faults` is None until a run has drawn them."""

    seed: int
    clients: tuple[tuple[Operation, ...], ...]
    life: int
    idle_limit: int
    has_spare: bool
    # How often a request waits until all other actors have gone on.
    preemption_rate: float
    fault_rate: float
    # The faults that this history has, since those that all have hide each other.
    fault_kinds: tuple[str, ...]
    faults: tuple[tuple[str, str], ...] | None = None

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, members: dict[str, Any]) -> Plan:
        clients = tuple(tuple(Operation(**one) for one in many) for many in members["clients"])
        faults = members["faults"]
        drawn = None if faults is None else tuple((place, kind) for place, kind in faults)
        kinds = tuple(members["fault_kinds"])
        return cls(**{**members, "clients": clients, "faults": drawn, "fault_kinds": kinds})

    def __str__(self) -> str:
        return json.dumps(self.to_json(), indent=1)


def plan(seed: int) -> Plan:
    """Return the plan of a seed."""
    chance = random.Random(seed)
    idle_limit = chance.choice([0, 600])
    longest = chance.choice([1.0, 1_000.0])
    clients = tuple(
        tuple(
            operation(chance, f"p{client}{number}", longest)
            for number in range(chance.randint(1, 4))
        )
        for client in range(chance.randint(2, 4))
    )
    return Plan(
        seed,
        clients,
        life=chance.choice([900, 28_800]),
        idle_limit=idle_limit,
        has_spare=chance.random() < 0.5,
        preemption_rate=chance.choice([0.0, 0.1, 0.3]),
        fault_rate=chance.choice([0.0, 0.02, 0.05, 0.1]),
        fault_kinds=tuple(chance.sample(FAULTS, chance.randint(1, len(FAULTS)))),
    )


def operation(chance: random.Random, name: str, longest: float) -> Operation:
    kind = chance.choice(KINDS)
    meets = chance.choice(["", "", "sweep", "spare"])
    return Operation(
        name,
        kind,
        chance.choice(SESSIONS),
        after=chance.choice([0.0, 0.0, 0.1, 1.0, 30.0, 300.0, 620.0]) if not meets else 1_000.0,
        meets=meets,
        takes=min(chance.choice([0.0, 0.0, 0.5, 20.0, 700.0]), longest),
        patience=chance.choice([0.0, 0.3, 5.0, 1_000.0]),
        sends=chance.choice([1, 2, 3]) if kind == "keyed" else 1,
    )
