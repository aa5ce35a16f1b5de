"""Prove what the templates permit: `make prove`.

Each module of `PARTS` proves a claim and returns its figures. Every failure is printed, and one
failure makes the exit code 1. `docs/proof.md` has the figures and the tables.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

from tests.project import PROJECT

from . import histories, least_privilege, reachability, tenants
from .part import Part

DOCUMENT = PROJECT / "docs" / "proof.md"
DEFAULT_SEED = 17
# A part takes the seed of its mutants and of its examples.
PARTS: list[Callable[[int], Part]] = [
    least_privilege.prove,
    reachability.prove,
    tenants.prove,
    histories.prove,
]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.proof")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    seed = parser.parse_args().seed
    # Botocore must never find the credentials or the region of the person who runs this.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    parts = [timed(prove, seed) for prove in PARTS]
    DOCUMENT.write_text(document(parts, seed))
    failures = [f"{part.title}: {failure}" for part in parts for failure in part.failures]
    for failure in failures:
        say(f"FAILED {failure}")
    say(f"{len(failures)} failures; {DOCUMENT.relative_to(PROJECT)} has the tables")
    sys.exit(bool(failures))


def timed(prove: Callable[[int], Part], seed: int) -> Part:
    start = time.monotonic()
    part = prove(seed)
    say(f"{part.title} ({time.monotonic() - start:.0f} s, seed {seed})")
    for name, figure in part.figures.items():
        say(f"  {name}: {figure}")
    return part


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def document(parts: list[Part], seed: int) -> str:
    lines = [
        "# Proof",
        "",
        f"`make prove` writes this page and fails if a claim does not hold. Seed: {seed}.",
        "",
    ]
    for part in parts:
        lines += [f"## {part.title}", "", part.claim, "", "| figure | value |", "|---|---|"]
        lines += [f"| {name} | {figure} |" for name, figure in part.figures.items()]
        lines += ["", *part.tables]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    main()
