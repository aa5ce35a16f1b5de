"""Run the CDK CLI with the options of CONTEXT, and say how to approve when nobody can be asked.

`make` runs this program with a command of the CDK CLI and its options.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

# The CDK CLI's error when its output is no terminal, and permissions are new or stacks go.
UNAPPROVED = b"unable to get a confirmation from the user"
NOTE = (
    "note: without a terminal the CDK CLI cannot ask for approval; run the same make again with "
    "APPROVE=yes to approve\n"
)


def main(arguments: Sequence[str]) -> int:
    for assignment in context(arguments):
        if "=" not in assignment:
            # The CDK CLI would leave it out, and deploy or destroy something else.
            sys.stderr.write(
                f"error: CONTEXT has -c {assignment!r}, but it must be a key and a value, as in "
                "-c code-interpreter:network=public\n"
            )
            return 2
    command = ["cdk", *arguments]
    if sys.stdout.isatty():
        os.execvp(command[0], command)  # noqa: S606 - a shell would split the options anew
    is_unapproved = False
    # Ctrl-C ends the CLI, which does not inherit a handler, and this process waits for its end.
    signal.signal(signal.SIGINT, lambda *_: None)
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for line in process.stderr:  # bytes, which may be of another encoding
            sys.stderr.buffer.write(line)
            sys.stderr.flush()
            is_unapproved |= UNAPPROVED in line
    if is_unapproved:
        sys.stderr.write(NOTE)
    return process.returncode


def context(arguments: Sequence[str]) -> list[str]:
    """Return the context among the options, in which no value is the empty text."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("-c", "--context", action="append", nargs="?", const="", default=[])
    options, _ = parser.parse_known_args(arguments)
    found: list[str] = options.context
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
