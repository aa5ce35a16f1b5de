"""Text as a terminal shows it."""

from __future__ import annotations

import re

# ECMA-48: colours, cursor movements and other control sequences.
CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
ERASE_LINE = re.compile(r"\x1b\[[012]?K")


def strip_control_sequences(text: str) -> str:
    """Return text without colours and other control sequences."""
    return CONTROL_SEQUENCE.sub("", text) if "\x1b" in text else text


def overwrite_lines(text: str) -> str:
    """Return text in which a carriage return has overwritten its line.

    A progress bar leaves its last state. Line ends become LF.
    """
    if "\r" not in text:
        return text
    return "\n".join(overwrite(line) if "\r" in line else line for line in text.split("\n"))


def overwrite(line: str) -> str:
    shown = ""
    for part in line.split("\r"):
        width = len(strip_control_sequences(part))
        kept = "" if ERASE_LINE.search(part) else strip_control_sequences(shown)[width:]
        # A part without text, such as the end of CR LF, overwrites nothing.
        shown = part + kept if width else shown
    return shown
