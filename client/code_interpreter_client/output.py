"""The output of a program as it comes: read beside it while it runs, the rest from its result."""

from __future__ import annotations

import logging
import re
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from .errors import CodeInterpreterError, ProgramError
from .results import Result
from .terminal import overwrite_lines, strip_control_sequences

# The text of a value that a program displays is told from what it prints, and the traceback that
# ends it from what it writes to its standard error.
Stream = Literal["stdout", "stderr", "display", "traceback"]
OnOutput = Callable[[Stream, str], None]

# Seconds until the first look at the output of a program, and between two looks, which become
# longer: a program that ends within a second leaves nothing to read.
FIRST_LOOK: Final = 1.2
LOOK: Final = 0.7
LONGER: Final = 1.1
MAX_LOOK: Final = 2.0
# The beginning of a traceback, as IPython and as Python write it.
TRACEBACK: Final = re.compile(
    r"^(?:-{60,}\n|  \+ Exception Group Traceback|Traceback \(most recent|  (?:Cell In|File )\W)",
    re.MULTILINE,
)

logger = logging.getLogger(__name__)


class OutputReader:
    """Delivers the output of one program, each part once.

    :param on_output: Called with a stream and a text. Its failure ends the delivery, and not the
        program.
    :param read: Returns the response of `read_output` from an offset on. None if the program's
        output cannot be read while it runs.
    """

    def __init__(
        self, on_output: OnOutput, read: Callable[[int], Mapping[str, Any]] | None
    ) -> None:
        self._on_output = on_output
        self._read = read
        self._seen = {"stdout": "", "stderr": ""}
        self._lock = threading.Lock()
        self._has_ended = threading.Event()
        self._has_failed = False

    def run(self, send: Callable[[], Result]) -> Result:
        """Send the program's request, and deliver the output until its result has come."""
        if self._read is not None:
            threading.Thread(
                target=self._look, args=(self._read,), name="code-interpreter-output", daemon=True
            ).start()
        try:
            result = send()
        except ProgramError as error:
            self._end(error.result)
            raise
        finally:
            self._has_ended.set()
        self._end(result)
        return result

    def _look(self, read: Callable[[int], Mapping[str, Any]]) -> None:
        offset, pause, longer_pause = 0, FIRST_LOOK, LOOK
        while not self._has_ended.wait(pause):
            try:
                part = read(offset)
            except CodeInterpreterError:
                return  # the result has all of it
            with self._lock:
                if self._has_ended.is_set():
                    return
                for text in part["output"]:
                    self._deliver(text["stream"], text["text"])
            offset = part["next_offset"]
            pause, longer_pause = longer_pause, min(longer_pause * LONGER, MAX_LOOK)

    def _end(self, result: Result) -> None:
        """Deliver the rest."""
        with self._lock:
            self._has_ended.set()
            for stream, text in rest_of(result, self._seen):
                self._deliver(stream, text)

    def _deliver(self, stream: Stream, text: str) -> None:
        self._seen["stderr" if stream == "stderr" else "stdout"] += text
        if self._has_failed:
            return
        try:
            self._on_output(stream, text)
        except BaseException as error:  # also `SystemExit`, which would end this thread
            self._has_failed = True
            # Its message may hold what the program printed.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            logger.error(
                "on_output failed and gets no more output; the program goes on (%s in %s, line %s)",
                type(error).__name__,
                frame.name,
                frame.lineno,
            )


def rest_of(result: Result, seen: Mapping[str, str]) -> list[tuple[Stream, str]]:
    """Return the output that has not been seen, of the standard output first."""
    stdout = unseen(overwrite_lines(seen["stdout"]), result.stdout, seen["stdout"])
    stderr_seen = overwrite_lines(strip_control_sequences(seen["stderr"]))
    stderr = unseen(stderr_seen, result.stderr, seen["stderr"])
    begin = len(stderr)
    if result.exception is not None and (found := TRACEBACK.search(stderr)):
        begin = found.start()
    shown: list[tuple[Stream, str]] = [
        *split_displayed(stdout, result.response.get("results", ())),
        ("stderr", stderr[:begin]),
        ("traceback", stderr[begin:]),
    ]
    return [(stream, text) for stream, text in shown if text]


def unseen(seen: str, whole: str, written: str) -> str:
    """Return the part of an output that has not been seen.

    The result can have more between the parts that were seen: the output of child processes.

    :param seen: What was seen, in the form that the result has.
    :param written: What was seen, as the program wrote it.
    """
    if whole.startswith(seen):
        return whole[len(seen) :]
    if seen == f"{whole}\n":
        return ""  # the result has no line end at its end
    *lines, begun = seen.split("\n")
    counts = Counter(lines)
    rest: list[str] = []
    for line in whole.split("\n"):
        if counts[line]:
            counts[line] -= 1
        elif begun and line.startswith(begun):
            rest.append(line[len(begun) :])
            begun = ""
        else:
            rest.append(line)
    # A progress bar goes on in its line.
    is_overwritten = begun and "\r" in written.rpartition("\n")[2]
    return ("\r" if is_overwritten else "") + "\n".join(rest)


def split_displayed(stdout: str, bundles: Sequence[Mapping[str, Any]]) -> list[tuple[Stream, str]]:
    """Split an output into what was printed and the texts of displayed values, as whole lines."""
    padded = f"\n{stdout}\n"
    pieces: list[tuple[Stream, str]] = []
    end = len(padded)
    for bundle in reversed(bundles):
        shown = f"\n{bundle.get('text/plain') or ''}\n"
        begin = padded.rfind(shown, 0, end)
        if begin < 0 or shown == "\n\n":
            continue
        after = begin + len(shown) - 1
        pieces += [("stdout", stdout[after : end - 1]), ("display", stdout[begin:after])]
        end = begin + 1
    return [("stdout", stdout[: end - 1]), *reversed(pieces)]
