"""Programs that end with `SystemExit`, which IPython shows as a failure whatever its code is."""

from __future__ import annotations

import re
from typing import NamedTuple

NOTICE = re.compile(r"An exception has occurred, use %tb to see the full traceback\.\s*")
WARNING = re.compile(r"^.*UserWarning: To exit: use 'exit'.*\n?(?:^ +warn\(.*\n?)?", re.MULTILINE)
LAST_LINE = re.compile(r"^SystemExit(?:: (?P<value>.*))?\s*\Z", re.MULTILINE)
CODES = {"": 0, "None": 0, "False": 0, "True": 1}


class SystemExitShown(NamedTuple):
    """A `SystemExit` as it stands at the end of an output; `stderr` is the program's own part."""

    code: int
    stderr: str


def system_exit(stderr: str, code: int | None = None) -> SystemExitShown | None:
    """Return the `SystemExit` that ended a program, or None if something else did.

    :param code: The exit code, if it is known: the text does not tell `"0"` from 0.
    """
    shown = LAST_LINE.search(WARNING.sub("", stderr))
    if shown is None:
        return None
    own = NOTICE.sub("", shown.string[: shown.start()])
    value = shown["value"] or ""
    shown_code = CODES.get(value)
    if shown_code is None and re.fullmatch(r"-?\d{1,9}", value):
        shown_code = int(value)
    if shown_code is not None and code in (None, shown_code):
        return SystemExitShown(shown_code, own)
    # As Python does: it prints the value, and exits with code 1.
    return SystemExitShown(1, f"{own}{value}")
