"""Images as sixels: six rows of pixels in a character, for one colour after the other.

The format is that of DEC's VT340 ("VT330/VT340 Programmer Reference Manual", chapter 14).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Final

from PIL import Image

COLOURS: Final = 255
# The most pixels in each direction: a terminal has no scroll bar to the side.
MAX_PIXELS: Final = 800
# A sixel's rows, from the top; the character of a sixel is its bits above this one.
ROWS: Final = 6
EMPTY: Final = ord("?")
# The bytes of equal sixels from which on a count is shorter.
REPEATED: Final = re.compile(rb"(.)\1{3,}", re.DOTALL)


def sixels(image: bytes) -> Iterator[str]:
    """Yield the control sequence that shows an image of any format that Pillow reads.

    A larger image is made smaller.
    """
    opened = Image.open(io.BytesIO(image)).convert("RGBA")
    opened.thumbnail((MAX_PIXELS, MAX_PIXELS))
    # Terminals differ in what they show of transparency, so there is none.
    opaque = Image.alpha_composite(Image.new("RGBA", opened.size, "white"), opened).convert("RGB")
    picture = opaque.quantize(COLOURS)
    width, height = picture.size
    yield f'\033Pq"1;1;{width};{height}'
    palette = picture.getpalette() or []
    for colour in range(len(palette) // 3):
        shares = [round(value * 100 / 255) for value in palette[colour * 3 : colour * 3 + 3]]
        yield f"#{colour};2;{shares[0]};{shares[1]};{shares[2]}"
    pixels = picture.tobytes()
    rows = [pixels[start : start + width] for start in range(0, width * height, width)]
    for top in range(0, height, ROWS):
        yield band(rows[top : top + ROWS])
    yield "\033\\\n"


def band(rows: list[bytes]) -> str:
    """Return up to six rows of colours as sixels, and the end of their line."""
    width = len(rows[0])
    sixels_of: dict[int, bytearray] = {}
    for number, row in enumerate(rows):
        for column, colour in enumerate(row):
            if colour not in sixels_of:
                sixels_of[colour] = bytearray([EMPTY]) * width
            sixels_of[colour][column] += 1 << number
    lines = (f"#{colour}{shortened(line)}" for colour, line in sixels_of.items())
    return "$".join(lines) + "-"


def shortened(line: bytearray) -> str:
    """Return a line of sixels with counts in the place of repeated ones."""

    def count(found: re.Match[bytes]) -> bytes:
        return b"!%d%s" % (len(found[0]), found[1])

    return REPEATED.sub(count, bytes(line)).decode()
