"""Deploy the stacks of experiments with the CDK CLI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from local_aws.cdk import PROJECT, kill_process_group
from local_aws.interrupts import defer_interrupts
from verify.experiment import NotTriedError
from verify.ledger import Made

if TYPE_CHECKING:
    from verify.context import Context
    from verify.experiment import StackKind

LINES_OF_A_FAILURE = 15


class Deployments:
    """The stacks of one run, each deployed when the first experiment needs it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._outputs: dict[StackKind, dict[str, str]] = {}

    def outputs(self, kind: StackKind) -> dict[str, str]:
        """Return the outputs of a stack, which is deployed unless it is there.

        :raises NotTriedError: if it cannot be deployed.
        """
        if kind not in self._outputs:
            self._outputs[kind] = self.deploy(kind)
        return self._outputs[kind]

    def name(self, kind: StackKind) -> str:
        return f"Verify-{self._context.run}-{kind}"

    def deploy(self, kind: StackKind, **context: str) -> dict[str, str]:
        """Deploy or update a stack, and return its outputs.

        :param context: Context of the stack's app.
        :raises NotTriedError: if the CDK CLI fails.
        """
        made = Made("stack", self.name(kind))
        if made not in list(self._context.ledger):
            self._context.ledger.record(made)
        given = {"kind": kind, "run": self._context.run, "bucket": self._context.bucket, **context}
        output = self._context.folder / "stacks" / kind
        run_cdk(
            "deploy",
            "--all",
            "--app",
            f"{sys.executable} -m verify.stacks",
            "--require-approval",
            "never",
            "--no-notices",
            "--output",
            str(output),
            "--outputs-file",
            str(output.with_suffix(".json")),
            *(f"--context={key}={value}" for key, value in given.items()),
        )
        outputs: dict[str, Any] = json.loads(output.with_suffix(".json").read_text())
        return dict(outputs.get(made.name, {}))

    def remove(self, kind: StackKind) -> None:
        """Remove a stack, if it has been deployed.

        :raises RemovalError: if it cannot be removed.
        """
        made = Made("stack", self.name(kind))
        if made in list(self._context.ledger):
            self._context.remove(made)
            self._outputs.pop(kind, None)


def run_cdk(*arguments: str) -> None:
    """Run the project's CDK CLI with the credentials of the environment.

    :raises NotTriedError: if it fails, with the end of its output.
    """
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([f"{PROJECT}/.venv/bin", os.environ["PATH"]]),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(PROJECT / ".cache" / "jsii"),
        "CI": "true",
    }
    with ExitStack() as cleanup:
        with defer_interrupts():
            cli = subprocess.Popen(
                [str(PROJECT / "node_modules" / ".bin" / "cdk"), *arguments],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # Ctrl-C reaches only this process
            )
            cleanup.enter_context(cli)
            cleanup.callback(kill_process_group, cli.pid)
        output, _ = cli.communicate()
    if cli.returncode != 0:
        end = "\n".join(output.strip().splitlines()[-LINES_OF_A_FAILURE:])
        raise NotTriedError(f"its stack could not be deployed: {end}")
