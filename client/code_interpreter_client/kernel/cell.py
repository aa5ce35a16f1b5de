"""The messages of one cell: its output as it comes, its results, and its error."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TextIO

from ..errors import CodeInterpreterError, error_from

if TYPE_CHECKING:
    from ..output import Stream
    from ..results import Result, RichResult

# Sends a message of a type, with a content, about the cell.
Send = Callable[[str, Mapping[str, Any]], None]

RED: Final = "\x1b[31m{}\x1b[0m"
GREEN: Final = "\x1b[32m{}\x1b[0m"


@dataclass
class CellError:
    """An error as Jupyter has it."""

    name: str
    value: str
    traceback: list[str]

    @classmethod
    def of(cls, name: str, value: str) -> CellError:
        """Return an error that has no traceback."""
        return cls(name, value, [f"{RED.format(name)}: {value}"])

    @property
    def content(self) -> dict[str, Any]:
        return {"ename": self.name, "evalue": self.value, "traceback": self.traceback}


class Cell:
    """A cell that runs."""

    def __init__(self, send: Send, number: int, *, silent: bool) -> None:
        self._send = send
        self._number = number
        self._silent = silent
        self._traceback = ""

    def send(self, message_type: str, content: Mapping[str, Any]) -> None:
        if not self._silent:
            self._send(message_type, content)

    def stream(self, name: str) -> TextIO:
        """Return a text stream that the cell shows."""
        return CellStream(lambda text: self.send("stream", {"name": name, "text": text}))

    def on_output(self, stream: Stream, text: str) -> None:
        """Show a part of the program's output. Displayed values and the error come at the end."""
        if stream in ("stdout", "stderr"):
            self.send("stream", {"name": stream, "text": text})
        elif stream == "traceback":
            self._traceback = text

    def note(self, text: str) -> None:
        """Say what is useful to know."""
        self.send("stream", {"name": "stderr", "text": f"note: {text}\n"})

    def show(self, result: Result) -> None:
        """Show the values that the program has displayed."""
        last = result.response.get("last_expression")
        for index, value in enumerate(result.results):
            content = {"data": bundle_of(value), "metadata": {}}
            if index == last:
                self.send("execute_result", {**content, "execution_count": self._number})
            else:
                self.send("display_data", content)

    def error_of(self, result: Result) -> CellError | None:
        """Return how the program failed, or None."""
        if result.ok:
            return None
        if result.exception is None:
            error = error_from(result.response, result)
            return CellError.of(type(error).__name__, error.message)
        name, value = result.exception.type, result.exception.message
        if not self._traceback:
            return CellError.of(name, value)
        return CellError(name, value, coloured(self._traceback, name).split("\n"))

    def fail(self, error: CellError) -> None:
        self.send("error", error.content)


class CellStream(io.StringIO):
    """A text stream that passes on what is written."""

    encoding = "utf-8"

    def __init__(self, pass_on: Callable[[str], None]) -> None:
        super().__init__()
        self._pass_on = pass_on

    def write(self, text: str) -> int:
        self._pass_on(text)
        return len(text)


def bundle_of(value: RichResult) -> dict[str, Any]:
    """Return a mime bundle. A format whose file cannot be loaded is left out."""
    bundle: dict[str, Any] = {}
    for mime_type in value:
        with contextlib.suppress(CodeInterpreterError):
            bundle[mime_type] = value[mime_type]
    return bundle


def coloured(traceback: str, name: str) -> str:
    """Return the traceback of an exception with the most of IPython's colours."""
    for pattern, colour in (
        (r"^-{60,}$", RED),
        (rf"^{re.escape(name)}\b", RED),
        (r"^-+> \d+.*$", GREEN),
        (r"^(?:File|Cell) .*$", GREEN),
    ):
        traceback = re.sub(pattern, colour.format(r"\g<0>"), traceback, flags=re.MULTILINE)
    return traceback
