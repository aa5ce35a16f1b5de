"""`make demo`: deploy the app into a local AWS, use it as a user does, and destroy it.

The CDK CLI bootstraps and deploys the app, the client runs code in the deployed interpreter, and
`cdk destroy` deletes everything.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import sys
import textwrap
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from code_interpreter_client import CodeInterpreter, CodeInterpreterError
from local_aws import LocalAws, LocalAwsError
from local_aws.cdk import PROJECT, Cdk, CdkError
from local_aws.demo.work import PROGRAMS, STEPS, DemoError, Step, check
from local_aws.interrupts import Interrupted, raise_when_interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from code_interpreter_client import Session

STACK = "CodeInterpreter"
SESSION = "demo"
OUTPUT = PROJECT / "demo-output"
INDENT = "   "
CONNECT = f'session = CodeInterpreter.from_stack("{STACK}").session("{SESSION}")'
# A resource's event as the CDK CLI shows it: stack, progress, time, status, type, name.
EVENT = re.compile(r"\| +(\d+/\d+) \|.*\| +(\w+) +\| +([\w:]+) *\|")

TRY_NEXT = """\
make local               keep a local AWS running with this stack
make shell               in another terminal: run Python in its sandbox, line by line
make deploy              the same stack in your own account"""


def main() -> int:
    # It takes no options but --help.
    argparse.ArgumentParser(
        prog="python -m local_aws.demo",
        description="Deploy the app into a local AWS, use it as a user does, and destroy it.",
    ).parse_args()
    raise_when_interrupted()
    try:
        Demo(Console(highlight=False, soft_wrap=True)).run()
    except Interrupted:
        return report_error("interrupted; nothing was left running", 130)
    except (CodeInterpreterError, LocalAwsError, CdkError, DemoError, OSError) as error:
        return report_error(str(error), 1)
    return 0


def report_error(message: str, exit_code: int) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"\nerror: {message}\n")
    return exit_code


class Demo:
    """The demo, on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began_at = time.monotonic()

    def run(self) -> None:
        """Deploy, use and destroy the app, and leave nothing behind."""
        aws = LocalAws()
        with TemporaryDirectory(prefix="local-aws-demo-") as home:
            with self._step("Start a local AWS"):
                aws.start()
            try:
                self._deploy_and_use(aws, Path(home))
            finally:
                aws.stop()

    def _deploy_and_use(self, aws: LocalAws, home: Path) -> None:
        cdk = Cdk(aws, home, show=self._show_event)
        self._run_cdk("cdk bootstrap", cdk.bootstrap)
        self._run_cdk("cdk deploy", cdk.deploy)
        os.environ.update(aws.environment())
        session = CodeInterpreter.from_stack(STACK).session(SESSION)
        OUTPUT.mkdir(exist_ok=True)
        for number, step in enumerate(STEPS, start=1):
            with self._step(f"{number}. {step.name}"):
                lines = f"{CONNECT}\n{step.code}" if number == 1 else step.code
                self._show_code(lines)
                if step.program:
                    self._show(f"(runs {program_path(step)})", style="dim")
                self._show(run_step(step, session, OUTPUT), style="green")
        resources = json.loads((cdk.assembly / f"{STACK}.template.json").read_text())
        self._run_cdk("cdk destroy", cdk.destroy)
        with self._step("Check that nothing is left"):
            for line in check_nothing_is_left(aws):
                self._show(line)
        self._summarise(len(resources["Resources"]))

    @contextlib.contextmanager
    def _step(self, name: str) -> Iterator[None]:
        """Print a step's name, then its output, and the time that it took."""
        self._console.print(f"\n== {name}", style="bold", markup=False)
        self._flush()
        began_at = time.monotonic()
        # The spinner, which only a terminal has.
        self._status = self._console.status(name)
        with self._status:
            yield
        self._show(f"({time.monotonic() - began_at:.1f} s)", style="dim")

    def _run_cdk(self, name: str, run: Callable[[], str]) -> None:
        with self._step(name):
            self._show(success_line(run()))

    def _show_event(self, line: str) -> None:
        event = EVENT.search(line)
        if event:
            progress, status, resource = event.groups()
            self._status.update(f"{progress}  {resource}  {status}")

    def _show_code(self, lines: str) -> None:
        syntax = Syntax("", "python", theme="ansi_dark", background_color="default")
        self._console.print(syntax.highlight(textwrap.indent(lines, INDENT)), end="")
        self._flush()

    def _show(self, text: str, style: str = "") -> None:
        self._console.print(Text(textwrap.indent(text, INDENT), style=style))
        self._flush()

    def _flush(self) -> None:
        self._console.file.flush()

    def _summarise(self, resources: int) -> None:
        seconds = time.monotonic() - self._began_at
        self._console.print("\n== Summary", style="bold")
        self._show(
            f"deployed   the stack {STACK} with {resources} resources, by the CDK CLI\n"
            f"ran        {len(STEPS)} steps in the session {SESSION}, through its function\n"
            f"picture    {OUTPUT.relative_to(PROJECT)}/dashboard.png\n"
            f"removed    everything, in {seconds:.0f} s altogether"
        )
        self._console.print("\n== Try next", style="bold")
        self._show(TRY_NEXT)


def run_step(step: Step, session: Session, output: Path) -> str:
    """Do a step's work, and return what it printed.

    :raises DemoError: if that is not what it should be.
    """
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        step.work(session, PROGRAMS, output)
    text = printed.getvalue()
    for expected in step.expected:
        check(expected in text, f"{step.name}: {expected!r} was not printed, but: {text}")
    return text.strip("\n")


def program_path(step: Step) -> Path:
    return (PROGRAMS / str(step.program)).relative_to(PROJECT)


def success_line(cdk_output: str) -> str:
    """Return the last line that the CDK CLI marks as a success."""
    return next(line for line in reversed(cdk_output.splitlines()) if "✅" in line).strip()


def check_nothing_is_left(aws: LocalAws) -> list[str]:
    """Return how many interpreters, sessions and processes there are.

    :raises DemoError: if there are any.
    """
    control = aws.client("bedrock-agentcore-control")
    interpreters = control.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"]
    sessions = aws.agentcore.state()["sessions"]
    ready = [session["sessionId"] for session in sessions if session["status"] == "READY"]
    processes = [process_id for session in sessions for process_id in session["processIds"]]
    check(not interpreters, f"code interpreters were not deleted: {interpreters}")
    check(not ready, f"sessions were not stopped: {ready}")
    check(not processes, f"sandbox processes are still running: {processes}")
    return [
        f"code interpreters: {len(interpreters)}",
        f"sessions: {len(ready)}",
        f"sandbox processes: {len(processes)}",
    ]


if __name__ == "__main__":
    sys.exit(main())
