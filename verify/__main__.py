"""The command of `make verify`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from code_interpreter_client import CodeInterpreterError
from local_aws.cdk import PROJECT
from verify import plan
from verify.context import Context, new_run
from verify.interrupts import Interrupted, ignore_interrupts, raise_at_each_interrupt
from verify.ledger import LEDGER, Made
from verify.report import Report
from verify.run import Run, clean_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from verify.experiment import Experiment

RESULTS = PROJECT / "verify-results"
PLACE = "place.json"
DIFFERS, FAILED, INTERRUPTED = 3, 1, 130


def main() -> int:
    arguments = parse_arguments()
    raise_at_each_interrupt()
    try:
        experiments = plan.choose(arguments.only)
        if arguments.list:
            show(plan.listing(experiments))
            return 0
        if arguments.clean:
            return clean(arguments)
        return verify(arguments, experiments)
    except (plan.PlanError, CodeInterpreterError, BotoCoreError, ClientError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    except Interrupted:
        sys.stderr.write("\nerror: interrupted\n")
        return INTERRUPTED


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m verify",
        description="Settle, in an account, the questions that AWS's documents leave open.",
    )
    parser.add_argument("--stack", default="CodeInterpreter", help="the deployed stack's name")
    parser.add_argument("--only", default="", help="names of experiments, separated by commas")
    parser.add_argument("--list", action="store_true", help="list the experiments, and end")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--clean", action="store_true", help="remove what earlier runs left behind, and end"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder for results")
    return parser.parse_args()


def verify(arguments: argparse.Namespace, experiments: Sequence[Experiment]) -> int:
    """Run the experiments, clean up, and write the results."""
    run_id = new_run()
    folder = arguments.results / f"{datetime.now(UTC):%Y-%m-%d}-{run_id}"
    context = new_context(arguments.stack, run_id, folder)
    show(plan.announcement(context, experiments))
    if not arguments.yes and not agreed():
        return FAILED
    run = Run(context, experiments, show)
    context.ledger.record(Made("code interpreters", context.name_prefix))
    record_place(context, folder)
    try:
        run.run()
    finally:
        left = clean_up_or_tell(context, folder)
    ignore_interrupts()
    report = Report(about(context), run.results, left, names(context))
    show("\n" + report.as_text())
    paths = report.write(folder)
    show("written, without names of the account:\n" + "\n".join(f"  {path}" for path in paths))
    if run.is_interrupted:
        return INTERRUPTED
    outcomes = {result.finding.outcome for result in run.results}
    return FAILED if left else DIFFERS if "differs" in outcomes else 0


def new_context(stack: str, run_id: str, folder: Path) -> Context:
    """Return the context of a run, of which nothing has been made.

    :raises FunctionUnavailable: if there is no such stack.
    """
    context = Context(stack, run_id, folder)
    _ = context.interpreter, context.account
    return context


def agreed() -> bool:
    """Ask whether to go on."""
    if not sys.stdin.isatty():
        raise plan.PlanError("without a terminal nobody can agree; give YES=1 to run all the same")
    sys.stdout.write("Type yes to go on: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def clean_up_or_tell(context: Context, folder: Path) -> list[str]:
    """Remove what the run has made, and return what is left behind, also after a second Ctrl-C."""
    try:
        left = clean_up(context, show)
    except Interrupted:
        left = [f"  {made}" for made in context.ledger]
    if left:
        show(
            f"\nleft behind in {context.region}:\n" + "\n".join(left) + "\n"
            f"{folder / LEDGER} has the list; make verify CLEAN=1 removes it"
        )
    return left


def clean(arguments: argparse.Namespace) -> int:
    """Remove what earlier runs left behind."""
    left = []
    for path in sorted(arguments.results.glob(f"*/{LEDGER}")):
        run_id = path.parent.name.rpartition("-")[2]
        context = Context(arguments.stack, run_id, path.parent)
        made_in = place_of(path.parent)
        if list(context.ledger) and made_in not in ({}, place(context)):
            names = " and ".join(f"the {name} {value}" for name, value in made_in.items())
            show(f"{path} lists things in {names}; run make verify CLEAN=1 with these")
            left.append(str(path))
            continue
        left += clean_up_or_tell(context, path.parent)
    if left:
        return FAILED
    show("nothing is left behind")
    return 0


def place(context: Context) -> dict[str, str]:
    """Return where a run makes things; elsewhere none of them would be found."""
    return {"account": context.account, "region": context.region}


def record_place(context: Context, folder: Path) -> None:
    (folder / PLACE).write_text(json.dumps(place(context)))


def place_of(folder: Path) -> dict[str, str]:
    """Return where an earlier run made things, or nothing if it ended before it made any."""
    path = folder / PLACE
    return dict(json.loads(path.read_text())) if path.exists() else {}


def about(context: Context) -> dict[str, str]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "version": str(project["version"]),
        "run": context.run,
        "where": "the local AWS" if context.local else "an account",
        "region": context.region,
        "network": context.network_mode,
    }


def names(context: Context) -> dict[str, str]:
    """Return the account's own names, by which nothing in a result may be found again."""
    found = {value: f"<{name}>" for name, value in context.outputs.items()}
    own = {context.account: "<account>", os.environ.get("AWS_PROFILE", ""): "<profile>"}
    return {name: word for name, word in (found | own).items() if name}


def show(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
