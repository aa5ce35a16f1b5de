"""Run the project's CDK CLI against a local AWS."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from agentcore_emulator.certificates import certificate_variables
from local_aws.interrupts import defer_interrupts
from local_aws.local_aws import REGION, LocalAws

PROJECT = Path(__file__).resolve().parents[2]
ACCOUNT_VARIABLE = "AWS_ACCESS_KEY_ID"


class CdkError(Exception):
    """The CDK CLI failed; the message is its output."""


class Cdk:
    """The CDK CLI for the app in `app_directory`, with `aws` as its account.

    The CLI's caches and the cloud assembly are in `home`, so that nothing is written to the user's
    home directory or the app's folder. `show` is called with each line that the CLI writes.
    """

    def __init__(
        self,
        aws: LocalAws,
        home: Path,
        app_directory: Path = PROJECT,
        show: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.aws = aws
        self.home = home
        self.app_directory = app_directory
        self._show = show
        self.assembly = home / "cdk.out"

    def bootstrap(self) -> str:
        """Prepare the account. In the app's folder, the CLI would run the app for nothing."""
        account = self.aws.environment()[ACCOUNT_VARIABLE]
        return self.run("bootstrap", f"aws://{account}/{REGION}", directory=self.home)

    def deploy(self, *arguments: str) -> str:
        """Deploy every stack, and write the outputs to `home/outputs.json`."""
        outputs = ["--outputs-file", str(self.home / "outputs.json")]
        return self.run("deploy", "--all", "--require-approval", "never", *outputs, *arguments)

    def destroy(self, *arguments: str, app: str | None = None) -> str:
        """Delete every stack of `app`; by default, of the assembly that `deploy` wrote."""
        return self.run("destroy", "--all", "--force", f"--app={app or self.assembly}", *arguments)

    def run(self, *arguments: str, directory: Path | None = None) -> str:
        """Run the CLI in `directory`, by default the app's, and return its output.

        :raises CdkError: if the CLI fails.
        """
        cdk = PROJECT / "node_modules" / ".bin" / "cdk"
        command = [str(cdk), *arguments, "--no-notices", "--output", str(self.assembly)]
        with ExitStack() as cleanup:
            with defer_interrupts():
                cli = subprocess.Popen(
                    command,
                    cwd=directory or self.app_directory,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    start_new_session=True,
                )
                cleanup.enter_context(cli)
                cleanup.callback(kill_process_group, cli.pid)
            assert cli.stdout is not None
            lines = []
            for line in cli.stdout:
                lines.append(line)
                self._show(line.rstrip("\n"))
            cli.wait()
        output = "".join(lines)
        if cli.returncode != 0:
            raise CdkError(f"cdk {arguments[0]} failed:\n{output.strip()}")
        return output

    def _environment(self) -> dict[str, str]:
        return {
            **self.aws.environment(),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
            "HOME": str(self.home),
            "CDK_HOME": str(self.home / "cdk"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            # CDK's validation of templates takes seven seconds of a processor in each app.
            # `make synth` and `make deploy` have it.
            "CDK_VALIDATION": "false",
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(PROJECT / ".cache" / "jsii"),
            "CI": "true",
            "LANG": "C.UTF-8",
            **certificate_variables(),
        }


def kill_process_group(group: int) -> None:
    """Kill the processes that the CLI may have left running: the app's Python and its Node."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
