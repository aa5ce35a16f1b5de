"""`make demo`: the whole way a user goes, in a local AWS, with nothing left behind.

The real CDK CLI bootstraps and deploys the real app; the deployed invoke function is called
through the Lambda API; `cdk destroy` takes everything down.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from local_aws import LocalAws, LocalAwsError
from local_aws.cdk import PROJECT, Cdk, CdkError
from local_aws.demo.work import DemoError, Deployment, require, steps
from local_aws.interrupts import Interrupted, raise_when_interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

STACK = "CodeInterpreter"
OUTPUT = PROJECT / "demo-output"


def main() -> int:
    raise_when_interrupted()
    began = time.monotonic()
    try:
        demo()
    except Interrupted:
        return fail("interrupted; nothing was left running", 130)
    except (LocalAwsError, CdkError, DemoError, OSError) as error:
        return fail(str(error), 1)
    sys.stdout.write(f"\nThe demo took {time.monotonic() - began:.0f} s.\n")
    return 0


def fail(message: str, code: int) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"\nerror: {message}\n")
    return code


def demo() -> None:
    aws = LocalAws()
    with TemporaryDirectory(prefix="local-aws-demo-") as home:
        step("Start a local AWS", lambda say: aws.start())
        try:
            cdk = Cdk(aws, Path(home))
            step("cdk bootstrap", lambda say: say(last_line(cdk.bootstrap())))
            step("cdk deploy", lambda say: say(last_line(cdk.deploy())))
            deployment = deployed(aws, Path(home) / "outputs.json")
            for number, (name, action) in enumerate(steps(deployment, OUTPUT), start=1):
                step(f"{number}. {name}", action)
            step("cdk destroy", lambda say: say(last_line(cdk.destroy())))
            step("What is left", lambda say: show_what_is_left(aws, say))
        finally:
            aws.stop()


def step(name: str, action: Callable[[Callable[[str], None]], None]) -> None:
    """Print the step's name, what it says while it runs, and its time."""
    sys.stdout.write(f"\n== {name}\n")
    sys.stdout.flush()
    began = time.monotonic()
    action(say)
    sys.stdout.write(f"   ({time.monotonic() - began:.1f} s)\n")


def say(text: str) -> None:
    for line in text.rstrip("\n").splitlines():
        sys.stdout.write(f"   {line}\n")
    sys.stdout.flush()


def last_line(text: str) -> str:
    return next(line for line in reversed(text.splitlines()) if "✅" in line).strip()


def deployed(aws: LocalAws, outputs: Path) -> Deployment:
    values = json.loads(outputs.read_text())[STACK]
    return Deployment(
        lambda_client=aws.client("lambda"),
        s3_client=aws.client("s3"),
        function_name=values["InvokeFunctionName"],
        bucket_name=values["WorkspaceBucketName"],
    )


def show_what_is_left(aws: LocalAws, say: Callable[[str], None]) -> None:
    control = aws.client("bedrock-agentcore-control")
    interpreters = control.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"]
    sessions = aws.agentcore.state()["sessions"]
    ready = [session["sessionId"] for session in sessions if session["status"] == "READY"]
    processes = [process for session in sessions for process in session["processIds"]]
    say(f"code interpreters: {len(interpreters)}")
    say(f"sessions: {len(ready)}")
    say(f"sandbox processes: {len(processes)}")
    require(not interpreters, f"a code interpreter is left: {interpreters}")
    require(not ready, f"a session is left: {ready}")
    require(not processes, f"a sandbox process is left: {processes}")


if __name__ == "__main__":
    sys.exit(main())
