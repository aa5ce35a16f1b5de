"""Images in terminals that show them: kitty's and iTerm2's protocols, and sixels."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal

from ..output import note

if TYPE_CHECKING:
    from ...results import Figure

Protocol = Literal["kitty", "iterm2", "sixel"]

# Characters of base64 in one control sequence of kitty's.
CHUNK: Final = 4096
KITTY_TERMS: Final = ("xterm-kitty", "xterm-ghostty")
KITTY_PROGRAMS: Final = ("ghostty",)
ITERM2_PROGRAMS: Final = ("iTerm.app", "WezTerm")
SIXEL_TERMS: Final = ("contour", "foot", "mlterm", "yaft")
# Names the protocol of a terminal that is not known here, or none.
VARIABLE: Final = "CODE_INTERPRETER_IMAGES"


def show_image(figure: Figure) -> None:
    """Show a figure, if the terminal is known to show images."""
    protocol = protocol_of(os.environ)
    if protocol == "iterm2":
        sys.stdout.write(iterm2(figure.data))
    elif protocol == "kitty" and figure.mime_type == "image/png":
        sys.stdout.writelines(kitty(figure.data))
    elif protocol == "sixel" and figure.mime_type != "image/svg+xml":
        show_sixels(figure.data)
    sys.stdout.flush()


def show_sixels(image: bytes) -> None:
    """Show an image as sixels, if Pillow is installed, which reads it."""
    try:
        from .sixel import sixels
    except ModuleNotFoundError:
        note("this terminal shows figures after pip install pillow")
        return
    sys.stdout.writelines(sixels(image))


def protocol_of(environment: Mapping[str, str]) -> Protocol | None:
    """Return the protocol of a terminal, by the variables that it sets."""
    match environment.get(VARIABLE, "").lower():
        case "kitty" | "iterm2" | "sixel" as chosen:
            return chosen
        case "none":
            return None
    term = environment.get("TERM", "")
    program = environment.get("TERM_PROGRAM", "")
    if term.startswith(("screen", "tmux")):
        return None  # a multiplexer keeps images to itself
    if term in KITTY_TERMS or program in KITTY_PROGRAMS or "KITTY_WINDOW_ID" in environment:
        return "kitty"
    if program in ITERM2_PROGRAMS or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    # Windows Terminal shows sixels since version 1.22.
    if term.partition("-")[0] in SIXEL_TERMS or "WT_SESSION" in environment:
        return "sixel"
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
