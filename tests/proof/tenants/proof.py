"""Drive two tenants against each other, and break what keeps them apart."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.database import InMemoryExampleDatabase
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from local_aws import LocalAws
from tests.proof.part import Part, without_log

from .machine import FunctionForEach, SessionForEach, TwoTenants
from .mutants import MUTANTS, Change
from .services import InMemory
from .wire import over

# Examples that a mutant may take to be caught.
MOST_EXAMPLES = 60
WAYS = ((FunctionForEach, "a function for each"), (SessionForEach, "a session for each"))


class Run(NamedTuple):
    """The size of a run: its examples, and the steps of each."""

    examples: int
    steps: int


IN_MEMORY = Run(150, 40)
OVER_HTTP = Run(6, 40)


def prove(seed_number: int) -> Part:
    """Prove that no call of one tenant reaches what is the other's."""
    part = Part(
        "Two tenants",
        "Whatever two tenants send, at once and with each other's names, paths, page tokens, URLs, "
        "idempotency keys and session ids: no request to AgentCore or S3 has the other's session "
        "or key, and no response the other's data, nor the names and ids of its sandboxes. The "
        "calls run over fakes of the services, many of them, and over HTTP, from botocore's "
        "clients to the local AWS: there each request is read as it is sent, presigned URLs are "
        "opened, and the emulator has recorded as many requests as were read.",
    )
    for machine, way in WAYS:
        add_calls(part, machine, way, seed_number, IN_MEMORY)
    add_mutants(part, MUTANTS, "", seed_number)
    with LocalAws() as aws, over(aws) as services_of:
        wire = [(name, machine.over(services_of), change) for name, machine, change in MUTANTS]
        for machine, way in WAYS:
            add_calls(part, machine.over(services_of), f"{way}, over HTTP", seed_number, OVER_HTTP)
        add_mutants(part, wire, " over HTTP", seed_number)
    return part


def add_calls(part: Part, machine: type[TwoTenants], way: str, seed_number: int, run: Run) -> None:
    machine.calls = machine.watched = machine.refused = 0
    failure = failure_of(machine, seed_number, run)
    part.figures |= {
        f"calls, {way}": machine.calls,
        f"calls refused, {way}": machine.refused,
        f"requests watched, {way}": machine.watched,
    }
    if failure:
        part.failures.append(f"{way}: {failure}")


def add_mutants(
    part: Part, mutants: Sequence[tuple[str, type[TwoTenants], Change]], how: str, seed_number: int
) -> None:
    caught = {
        name: failure_of(machine, seed_number, Run(MOST_EXAMPLES, 40), change)
        for name, machine, change in mutants
    }
    part.figures |= {
        f"mutants{how}": len(caught),
        f"mutants caught{how}": sum(map(bool, caught.values())),
    }
    part.failures += [f"survivor{how}: {name}" for name, failure in caught.items() if not failure]


@without_log()
def failure_of(
    machine: type[TwoTenants], seed_number: int, run: Run, change: Change = nullcontext
) -> str:
    """Return the failure that the machine finds, or an empty text."""
    chosen = settings(
        max_examples=run.examples,
        stateful_step_count=run.steps,
        deadline=None,
        database=InMemoryExampleDatabase(),
        # A mutant only has to be caught. Over HTTP an example takes seconds.
        phases=[Phase.generate, Phase.shrink]
        if change is nullcontext and machine.services_of is InMemory
        else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    try:
        with change():
            run_state_machine_as_test(seed(seed_number)(machine), settings=chosen)
    except (AssertionError, Flaky) as failure:
        return str(failure).partition("\n")[0] or repr(failure)
    return ""


def main() -> None:
    """Prove this part alone."""
    began_at = time.monotonic()
    part = prove(17)
    lines = [f"{name}: {figure}" for name, figure in part.figures.items()]
    lines += [*part.failures, f"{time.monotonic() - began_at:.0f} s"]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.exit(bool(part.failures))
