"""Run the CDK CLI with the options of CONTEXT, and say what to do about some of its errors.

`make` runs this program with a command of the CDK CLI and its options.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator, Sequence

# The CDK CLI's errors, each with the line that follows.
NOTES = {
    # Its output is no terminal, and permissions are new or stacks go.
    re.compile(rb"unable to get a confirmation from the user"): (
        "note: without a terminal the CDK CLI cannot ask for approval; run the same make again "
        "with APPROVE=yes to approve\n"
    ),
    re.compile(
        rb"Unable to resolve AWS account to use|no credentials have been configured"
        rb"|AWS credentials could not be obtained from standard locations|Region is missing"
    ): (
        "note: no AWS credentials were found; set AWS_PROFILE to a profile with which you are "
        "signed in, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and set AWS_REGION; for a "
        'local AWS, run make local and eval "$(make -s env)"\n'
    ),
}
# The line of an app that says what is wrong with a setting, and the CDK CLI's line after it.
SETTING = re.compile(rb"^error: ", re.MULTILINE)
EXITED = re.compile(rb"^.*: Subprocess exited with error \d+.*\n", re.MULTILINE)
# Of the text, which a progress display makes long, this much is looked at.
TEXT_BYTES = 65_536


def main(arguments: Sequence[str]) -> int:
    for assignment in context(arguments):
        if "=" not in assignment:
            # The CDK CLI would leave it out, and deploy or destroy something else.
            sys.stderr.write(
                f"error: CONTEXT has -c {assignment!r}, but it must be a key and a value, as in "
                "-c code-interpreter:network=public\n"
            )
            return 2
    return run(["cdk", *arguments])


def run(command: Sequence[str]) -> int:
    """Run the CDK CLI, show its errors as they come, and return its exit code."""
    errors, end = terminal() if sys.stderr.isatty() else os.pipe()
    # A question on standard output must not overtake the table on standard error that it is about.
    output = end if os.path.sameopenfile(1, 2) else None
    # Ctrl-C ends the CLI, which does not inherit a handler, and this process waits for its end.
    signal.signal(signal.SIGINT, lambda *_: None)
    text = b""
    with subprocess.Popen(command, stdout=output, stderr=end) as process:
        os.close(end)
        for part in parts(errors):
            text = (text + part)[-TEXT_BYTES:]
            sys.stderr.buffer.write(EXITED.sub(b"", part) if SETTING.search(text) else part)
            sys.stderr.flush()
    for error, note in NOTES.items():
        if error.search(text):
            sys.stderr.write(note)
    # A shell has the same code for a program that a signal has ended.
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def terminal() -> tuple[int, int]:
    """Return the ends of a terminal that passes on all text, so that the CLI shows its progress."""
    reader, writer = pty.openpty()
    tty.setraw(writer)

    def resize(*_: object) -> None:
        size = fcntl.ioctl(sys.stderr.fileno(), termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(reader, termios.TIOCSWINSZ, size)

    resize()
    signal.signal(signal.SIGWINCH, resize)
    return reader, writer


def parts(reader: int) -> Iterator[bytes]:
    """Yield bytes, which may be of another encoding, as they come."""
    while True:
        try:
            part = os.read(reader, 65_536)
        except OSError:  # so Linux says that nobody has the terminal any more
            return
        if not part:
            return
        yield part


def context(arguments: Sequence[str]) -> list[str]:
    """Return the context among the options, in which no value is the empty text."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("-c", "--context", action="append", nargs="?", const="", default=[])
    options, _ = parser.parse_known_args(arguments)
    found: list[str] = options.context
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
