"""Run `cdk deploy`, and say how to approve permissions when nobody can be asked.

`make deploy` runs this program with further options of the CDK CLI.
"""

from __future__ import annotations

import os
import subprocess
import sys

# The CDK CLI's error when its output is no terminal, and permissions are new.
UNAPPROVED = "unable to get a confirmation from the user"
NOTE = (
    "note: without a terminal the CDK CLI cannot ask for approval of new permissions; "
    "make deploy APPROVE=yes approves them\n"
)


def main() -> int:
    command = ["cdk", "deploy", "--all", *sys.argv[1:]]
    if sys.stdout.isatty():
        os.execvp(command[0], command)  # noqa: S606 - the CLI takes the place of this process
    is_unapproved = False
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            sys.stderr.write(line)
            is_unapproved |= UNAPPROVED in line
    if is_unapproved:
        sys.stderr.write(NOTE)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
