"""A cold start and its first request, against a handler that a user would write with boto3."""

from __future__ import annotations

import re
import shutil
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, in_turn, median, ratio
from benchmarks.local_function import LocalFunction, local_function

ROUNDS = 15
MODULES = {"function": "code_interpreter_invoke.handler", "naive": "naive"}
AGAINST = "a handler with `import boto3`, two clients and the same five calls"
VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
STARTS = (MODULES["function"], "boto3")
NO_SERVER = "http://127.0.0.1:9"
INSTRUCTIONS = re.compile(r"I +refs: +([\d,]+)")


def measure() -> list[Figure]:
    with local_function() as function:
        sides = {name: partial(cpu_seconds, function, name) for name in MODULES}
        rounds = in_turn(sides, ROUNDS)
        figures = [
            Figure(
                "cold CPU, TLS, `execute_code` with a 1 KiB file in a sandbox of its own",
                AGAINST,
                f"{ratio(rounds, 'function', 'naive'):.2f} "
                f"({median(rounds, 'function') * 1000:.0f} ms "
                f"against {median(rounds, 'naive') * 1000:.0f} ms)",
                "0.62",
            )
        ]
        if shutil.which("valgrind"):
            ours, theirs = (
                instructions(function, "cold", module, naive=name == "naive")
                for name, module in MODULES.items()
            )
            figures.append(
                Figure(
                    "the same, instructions",
                    "the same",
                    f"{ours / theirs:.2f} ({ours / 1e6:,.0f} against {theirs / 1e6:,.0f} million)",
                    "0.60",
                )
            )
    return figures


def cpu_seconds(function: LocalFunction, name: str) -> float:
    found = function.run("cold", MODULES[name], naive=name == "naive")
    return float(found["total"])


def instructions(function: LocalFunction, program: str, module: str, *, naive: bool = False) -> int:
    """Return the number of a program's instructions, on which the machine's load has no effect."""
    done = function.start(program, module, naive=naive, prefix=VALGRIND)
    found = INSTRUCTIONS.search(done.stderr)
    if done.returncode or found is None:
        raise RuntimeError(done.stderr)
    return int(found[1].replace(",", ""))


def start_ratio(directory: Path) -> float:
    """Return the instructions of the function's start, without connections, as a part of boto3's.

    :param directory: Where the function's source is copied to.
    """
    function = LocalFunction(directory, NO_SERVER, "")
    ours, theirs = (instructions(function, "load", module) for module in STARTS)
    return ours / theirs


def start_calls_ratio(directory: Path) -> float:
    """Return the calls of functions in the function's start, as a part of boto3's.

    To count them takes a second, and the instructions twenty. The compilation of source is none.

    :param directory: Where the function's source is copied to.
    """
    function = LocalFunction(directory, NO_SERVER, "")
    ours, theirs = (function.run("load_calls", module) for module in STARTS)
    return float(ours / theirs)
