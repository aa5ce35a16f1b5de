"""`make demo`: deploy the app into a local AWS, use it as a user does, and destroy it.

The CDK CLI bootstraps and deploys the app, the demo calls the deployed invoke function through the
Lambda API, and `cdk destroy` deletes everything.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from local_aws import LocalAws, LocalAwsError
from local_aws.cdk import PROJECT, Cdk, CdkError
from local_aws.demo.work import DemoError, Deployment, check, steps
from local_aws.interrupts import Interrupted, raise_when_interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_aws.demo.work import Say

STACK = "CodeInterpreter"
OUTPUT = PROJECT / "demo-output"


def main() -> int:
    # It takes no options but --help.
    argparse.ArgumentParser(
        prog="python -m local_aws.demo",
        description="Deploy the app into a local AWS, use it as a user does, and destroy it.",
    ).parse_args()
    raise_when_interrupted()
    began = time.monotonic()
    try:
        run_demo()
    except Interrupted:
        return report_error("interrupted; nothing was left running", 130)
    except (LocalAwsError, CdkError, DemoError, OSError) as error:
        return report_error(str(error), 1)
    sys.stdout.write(f"\nThe demo took {time.monotonic() - began:.0f} s.\n")
    return 0


def report_error(message: str, exit_code: int) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"\nerror: {message}\n")
    return exit_code


def run_demo() -> None:
    aws = LocalAws()
    with TemporaryDirectory(prefix="local-aws-demo-") as home:
        run_step("Start a local AWS", lambda say: aws.start())
        try:
            cdk = Cdk(aws, Path(home))
            run_step("cdk bootstrap", lambda say: say(success_line(cdk.bootstrap())))
            run_step("cdk deploy", lambda say: say(success_line(cdk.deploy())))
            deployment = read_deployment(aws, Path(home) / "outputs.json")
            for number, (name, action) in enumerate(steps(deployment, OUTPUT), start=1):
                run_step(f"{number}. {name}", action)
            run_step("cdk destroy", lambda say: say(success_line(cdk.destroy())))
            run_step("Check that nothing is left", lambda say: check_nothing_is_left(aws, say))
        finally:
            aws.stop()


def run_step(name: str, action: Callable[[Say], None]) -> None:
    """Print the step's name, its output, and the time it took."""
    sys.stdout.write(f"\n== {name}\n")
    sys.stdout.flush()
    began = time.monotonic()
    action(say)
    sys.stdout.write(f"   ({time.monotonic() - began:.1f} s)\n")


def say(text: str) -> None:
    for line in text.rstrip("\n").splitlines():
        sys.stdout.write(f"   {line}\n")
    sys.stdout.flush()


def success_line(cdk_output: str) -> str:
    """Return the last line that the CDK CLI marks as a success."""
    return next(line for line in reversed(cdk_output.splitlines()) if "✅" in line).strip()


def read_deployment(aws: LocalAws, outputs: Path) -> Deployment:
    values = json.loads(outputs.read_text())[STACK]
    return Deployment(
        lambda_client=aws.client("lambda"),
        s3_client=aws.client("s3"),
        function_name=values["InvokeFunctionName"],
        bucket_name=values["WorkspaceBucketName"],
    )


def check_nothing_is_left(aws: LocalAws, say: Say) -> None:
    control = aws.client("bedrock-agentcore-control")
    interpreters = control.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"]
    sessions = aws.agentcore.state()["sessions"]
    ready = [session["sessionId"] for session in sessions if session["status"] == "READY"]
    processes = [process_id for session in sessions for process_id in session["processIds"]]
    say(f"code interpreters: {len(interpreters)}")
    say(f"sessions: {len(ready)}")
    say(f"sandbox processes: {len(processes)}")
    check(not interpreters, f"code interpreters were not deleted: {interpreters}")
    check(not ready, f"sessions were not stopped: {ready}")
    check(not processes, f"sandbox processes are still running: {processes}")


if __name__ == "__main__":
    sys.exit(main())
