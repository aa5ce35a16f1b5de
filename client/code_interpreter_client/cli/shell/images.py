"""Images in terminals that show them: kitty's graphics protocol, and iTerm2's inline images."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from ...results import Figure

Protocol = Literal["kitty", "iterm2"]

# Characters of base64 in one control sequence of kitty's.
CHUNK: Final = 4096
KITTY_TERMS: Final = ("xterm-kitty", "xterm-ghostty")
KITTY_PROGRAMS: Final = ("ghostty",)
ITERM2_PROGRAMS: Final = ("iTerm.app", "WezTerm")


def show_image(figure: Figure) -> None:
    """Show a figure, if the terminal is known to show images."""
    protocol = protocol_of(os.environ)
    if protocol == "iterm2":
        sys.stdout.write(iterm2(figure.data))
    elif protocol == "kitty" and figure.mime_type == "image/png":
        sys.stdout.writelines(kitty(figure.data))
    sys.stdout.flush()


def protocol_of(environment: Mapping[str, str]) -> Protocol | None:
    """Return the protocol of a terminal, by the variables that it sets."""
    term = environment.get("TERM", "")
    program = environment.get("TERM_PROGRAM", "")
    if term.startswith(("screen", "tmux")):
        return None  # a multiplexer keeps images to itself
    if term in KITTY_TERMS or program in KITTY_PROGRAMS or "KITTY_WINDOW_ID" in environment:
        return "kitty"
    if program in ITERM2_PROGRAMS or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    return None


def kitty(image: bytes) -> Iterator[str]:
    """Yield the control sequences that show a PNG."""
    text = base64.b64encode(image).decode()
    for start in range(0, len(text), CHUNK):
        first = "a=T,f=100," if start == 0 else ""
        more = int(start + CHUNK < len(text))
        yield f"\033_G{first}m={more};{text[start : start + CHUNK]}\033\\"
    yield "\n"


def iterm2(image: bytes) -> str:
    """Return the control sequence that shows an image."""
    text = base64.b64encode(image).decode()
    return f"\033]1337;File=inline=1;size={len(image)}:{text}\a\n"
