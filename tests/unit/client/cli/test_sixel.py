"""Sixels, read as a terminal reads them."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from code_interpreter_client.cli.shell.sixel import sixels

Pixels = list[list[tuple[int, int, int]]]


def png(size: tuple[int, int], *, mode: str = "RGB") -> bytes:
    """Return a picture of stripes of four colours, whose rows differ."""
    picture = Image.new(mode, size)
    for x in range(size[0]):
        for y in range(size[1]):
            stripe = (x // 5 + y) % 4
            picture.putpixel((x, y), (255 * (stripe % 2), 255 * (stripe // 2), 0, 255)[: len(mode)])
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def shown(text: str) -> Pixels:
    """Return the pixels that a terminal shows."""
    head = re.match(r'\033Pq"1;1;(\d+);(\d+)', text)
    assert head is not None
    width, height = map(int, head.groups())
    pixels: Pixels = [[(-1, -1, -1)] * width for _ in range(height)]
    colours: dict[str, tuple[int, int, int]] = {}
    x = y = 0
    current = ""
    tokens = re.finditer(
        r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)(.)|([?-~])|([$])|(-)", text[head.end() : -3]
    )
    for token in tokens:
        defined, red, green, blue, chosen, count, repeated, single, back, down = token.groups()
        if defined:
            colours[defined] = (int(red), int(green), int(blue))
        elif chosen:
            current = chosen
        elif down:
            x, y = 0, y + 6
        elif back:
            x = 0
        else:
            bits = ord(repeated or single) - ord("?")
            end = x + int(count or 1)
            for column in range(x, end):
                for row in range(6):
                    if bits >> row & 1:
                        pixels[y + row][column] = colours[current]
            x = end
    return pixels


@pytest.mark.parametrize("size", [(1, 1), (40, 6), (7, 13), (100, 50)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_terminal_shows_each_pixel(size: tuple[int, int], mode: str) -> None:
    text = "".join(sixels(png(size, mode=mode)))
    assert text.endswith("\033\\\n")
    expected = [
        [
            (100 * (stripe % 2), 100 * (stripe // 2), 0)
            for stripe in [(x // 5 + y) % 4 for x in range(size[0])]
        ]
        for y in range(size[1])
    ]
    assert shown(text) == expected


def test_transparency_is_white() -> None:
    stream = io.BytesIO()
    Image.new("RGBA", (3, 3), (0, 0, 0, 0)).save(stream, "PNG")
    assert shown("".join(sixels(stream.getvalue()))) == [[(100, 100, 100)] * 3] * 3


def test_a_large_image_is_made_smaller() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (2_000, 1_000)).save(stream, "PNG")
    assert '"1;1;800;400' in "".join(sixels(stream.getvalue()))


def test_equal_sixels_have_a_count() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (800, 6)).save(stream, "PNG")
    assert len("".join(sixels(stream.getvalue()))) < 100
