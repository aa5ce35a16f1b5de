"""Programs that end with `SystemExit`, which IPython shows as a failure whatever its code is."""

from __future__ import annotations

import re
from typing import NamedTuple

NOTICE = re.compile(r"^An exception has occurred, use %tb to see the full traceback\.\s*", re.M)
WARNING = re.compile(r"^.*UserWarning: To exit: use 'exit'.*\n?(?:^ +warn\(.*\n?)?", re.MULTILINE)
# The exception alone, as IPython shows it. Its value can have several lines.
SHOWN = re.compile(r"\w+(?:: (?P<value>.*))?", re.DOTALL)
LAST_LINE = re.compile(r"^SystemExit(?:: (?P<value>.*))?\s*\Z", re.MULTILINE)
CODES = {"": 0, "None": 0, "False": 0, "True": 1}


class SystemExitShown(NamedTuple):
    """A `SystemExit` as it stands at the end of an output; `stderr` is the program's own part."""

    code: int
    stderr: str


def system_exit(stderr: str, code: int | None = None) -> SystemExitShown | None:
    """Return the `SystemExit` that ended a program, or None if something else did.

    :param code: The exit code, if it is known; without it, the text alone has to tell.
    """
    text = WARNING.sub("", stderr)
    notice = next(reversed([*NOTICE.finditer(text)]), None)
    shown = SHOWN.fullmatch(text[notice.end() :].strip()) if notice else LAST_LINE.search(text)
    if code is not None and shown is None:
        return SystemExitShown(code, text)
    if shown is None or (code is None and not shown[0].startswith("SystemExit")):
        return None
    own = text[: notice.start() if notice else shown.start()]
    value = shown["value"] or ""
    value_code = CODES.get(value)
    if value_code is None and re.fullmatch(r"-?\d{1,9}", value):
        value_code = int(value)
    if value_code is not None and code in (None, value_code):
        return SystemExitShown(value_code, own)
    # As Python does: it prints the value, and exits with code 1.
    return SystemExitShown(1 if code is None else code, f"{own}{value}")
