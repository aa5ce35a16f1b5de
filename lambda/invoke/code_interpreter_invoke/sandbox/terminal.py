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
    """Return what a line shows whose parts begin at its beginning, each over the earlier ones."""
    shown: list[str] = []
    covered = 0
    # From the last part to the first, so that no text is copied once for every part.
    for part in reversed(line.split("\r")):
        text = strip_control_sequences(part)
        # A part without text, such as the end of CR LF, overwrites nothing.
        if not text:
            continue
        # The last part keeps its colours.
        shown.append(text[covered:] if shown else part)
        covered = max(covered, len(text))
        if ERASE_LINE.search(part):
            break
    return "".join(shown)
