"""Text as a terminal shows it, in the form that the function gives to a program's output."""

from __future__ import annotations

import re
from typing import Final

# ECMA-48: colours, cursor movements and other control sequences.
CONTROL_SEQUENCE: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
ERASE_LINE: Final = re.compile(r"\x1b\[[012]?K")


def strip_control_sequences(text: str) -> str:
    """Return text without colours and other control sequences."""
    return CONTROL_SEQUENCE.sub("", text)


def overwrite_lines(text: str) -> str:
    """Return text in which a carriage return has overwritten its line."""
    if "\r" not in text:
        return text
    return "\n".join(overwrite(line) if "\r" in line else line for line in text.split("\n"))


def overwrite(line: str) -> str:
    """Return what a line shows whose parts begin at its beginning, each over the earlier ones."""
    shown: list[str] = []
    covered = 0
    for part in reversed(line.split("\r")):
        text = strip_control_sequences(part)
        if not text:
            continue
        shown.append(text[covered:] if shown else part)
        covered = max(covered, len(text))
        if ERASE_LINE.search(part):
            break
    return "".join(shown)
