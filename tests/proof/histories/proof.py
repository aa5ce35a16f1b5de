"""Make histories, check them, and check that the checker catches every mutant."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from tests.project import PROJECT
from tests.proof.part import Part

from .checker import contradictions
from .generated import changes
from .mutants import MUTANTS, Mutant
from .not_shown import NOT_SHOWN, reason
from .plan import FAULTS, Plan, plan
from .shrinking import shrunk
from .simulation import History, Simulation

HISTORIES = 600
# Seeds that a mutant may take to be caught.
MOST_SEEDS = 400
FAILED = PROJECT / ".cache" / "proof"


@cache
def all_mutants() -> tuple[Mutant, ...]:
    generated = (
        Mutant(change.name, change.applied, is_generated=True)
        for change in changes()
        if reason(change.name) is None
    )
    return (*MUTANTS, *generated)


class Checked(NamedTuple):
    """The outcome of one history."""

    seed: int
    calls: int
    requests: int
    faults: Counter[str]
    found: list[str]


def prove(seed: int, histories: int = HISTORIES) -> Part:
    """Prove what responses say of concurrent requests; a failing history is shrunk and kept."""
    part = Part(
        "Histories",
        "Concurrent requests meet lost responses, throttling, dying instances and sandboxes. No "
        "program runs twice, every response is true, no loss is left unsaid, and at rest a "
        "session has one sandbox.",
    )
    mutants = all_mutants()
    seeds = range(seed * 100_000, seed * 100_000 + histories)
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        checked = list(pool.map(check_seed, seeds, chunksize=20))
        caught = list(pool.map(first_catch, range(len(mutants))))
    faults: Counter[str] = sum((one.faults for one in checked), Counter())
    part.figures = {
        "histories": len(checked),
        "invocations": sum(one.calls for one in checked),
        "requests to AgentCore and S3": sum(one.requests for one in checked),
        **{f"faults: {kind}": faults[kind] for kind in FAULTS},
        "mutants": len(MUTANTS),
        "generated mutants": len(mutants) - len(MUTANTS),
        "mutants caught": sum(one is not None for one in caught),
        "generated mutants left out with a reason": len(changes()) - len(mutants) + len(MUTANTS),
    }
    part.add_table(
        "Mutants of the function",
        ("mutant", "caught by history", "contradiction"),
        (
            (mutant.name, *(one or ("-", "survived")))
            for mutant, one in zip(mutants, caught, strict=True)
        ),
    )
    part.add_table("Generated mutants that no history shows", ("mutant", "reason"), not_shown())
    for one in checked:
        if one.found:
            kept = keep(one.seed)
            part.failures.append(f"history {one.seed} ({kept}): {'; '.join(one.found)}")
    part.failures += [
        f"survivor: {mutant.name}"
        for mutant, one in zip(mutants, caught, strict=True)
        if one is None
    ]
    part.failures += [
        f"no generated mutant is {pattern}"
        for pattern, _ in NOT_SHOWN
        if not any(pattern in change.name for change in changes())
    ]
    return part


def not_shown() -> Iterator[tuple[str, str]]:
    for change in changes():
        why = reason(change.name)
        if why is not None:
            yield change.name, why


def check_seed(seed: int) -> Checked:
    history = Simulation(plan(seed)).run()
    faults = Counter(history.faults.values())
    found = contradictions(history)
    return Checked(seed, len(history.calls), len(history.requests), faults, found)


def first_catch(number: int) -> tuple[int, str] | None:
    """Return the first seed whose history a mutant contradicts, with the contradiction."""
    mutant = all_mutants()[number]
    with mutant.change():
        for seed in range(MOST_SEEDS):
            try:
                found = contradictions_of(mutant, seed)
            except Exception as defect:
                found = [f"{type(defect).__name__} in the simulation"]
            if found:
                return seed, found[0]
    return None


def contradictions_of(mutant: Mutant, seed: int) -> list[str]:
    simulation = Simulation(mutant.plan(seed), invoke_attempts=mutant.invoke_attempts)
    return contradictions(simulation.run())


def keep(seed: int) -> Path:
    """Shrink the history of a seed, and keep its plan and what happened in a file."""
    history = Simulation(plan(seed)).run()
    small = shrunk(with_faults(history), fails)
    history = Simulation(small).run()
    FAILED.mkdir(parents=True, exist_ok=True)
    path = FAILED / f"history-{seed}.json"
    kept = {
        "plan": small.to_json(),
        "contradictions": contradictions(history),
        "history": history.lines(),
    }
    path.write_text(json.dumps(kept, indent=1))
    return path.relative_to(PROJECT)


def with_faults(history: History) -> Plan:
    """Return the plan of a history with the faults that it met."""
    return dataclasses.replace(history.plan, faults=tuple(history.faults.items()))


def fails(candidate: Plan) -> bool:
    return bool(contradictions(Simulation(candidate).run()))


def replay(path: Path) -> None:
    """Run a kept plan again, and print what happens."""
    history = Simulation(Plan.from_json(json.loads(path.read_text())["plan"])).run()
    write([*history.lines(), *contradictions(history)])


def write(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def main() -> None:
    """Prove this part alone, or run a kept history again."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.histories")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--histories", type=int, default=HISTORIES)
    parser.add_argument("--replay", type=Path, help="a file that a failing history was kept in")
    arguments = parser.parse_args()
    if arguments.replay:
        replay(arguments.replay)
        return
    began_at = time.monotonic()
    part = prove(arguments.seed, arguments.histories)
    write(f"{name}: {figure}" for name, figure in part.figures.items())
    write([*part.failures, f"{time.monotonic() - began_at:.0f} s"])
    sys.exit(bool(part.failures))
