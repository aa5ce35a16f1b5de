"""A program that runs inside the kernel of the sandbox, and never in the function.

The function sends the text of this file as code, once for each kernel. It needs IPython and
nothing but Python 3.8 or later. It observes the programs that run after it and prints, behind a
mark that only the function knows, one line of JSON about each: see `Observer.finish`.

Nothing of it may fail a program or change its result, so that each part that can fail is guarded.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import collections
import contextlib
import io
import json
import os
import re
import signal
import stat
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

# Of the output, the first and the last characters that are passed on, so that the report fits into
# what the service returns. Characters outside ASCII count as four.
HEAD = 2_500_000
TAIL = 2_500_000
# The JSON of all values that a report has; larger ones become files.
REPORT_VALUES = 3_000_000
REPORT_VALUE = 1_000_000
MESSAGE = 10_000
MEMBER_MESSAGE = 1_000
MEMBERS = 20
DEPTH = 2
NAMES = 1_000
# The most bundles that a report has.
RESULTS_COUNT = 100
# The most files and folders for which changes are told, and the seconds until the next look at a
# folder with more.
SCANNED_FILES = 5_000
SCAN_PAUSE = 60.0
# The output of a program that runs for longer than these seconds is written to a file, after each
# pause, in lines of at most so many characters. The files of the last programs are kept.
QUICK_SECONDS = 1.0
WRITE_PAUSE = 0.5
LINE_TEXT = 50_000
OUTPUT_FILES = 10
# The folder of values that are too large for a report.
RESULTS = "results"
# The file of a program's tag is kept for longer than a request can last.
TAG_SECONDS = 3_600
# The tag of a program is white space at the end of its last line, or of its first line if that is a
# cell magic: a blank for 0, a tab for 1.
TAG = re.compile(r"[ \t]{64}$")
SUFFIXES = {
    "application/json": "json",
    "application/pdf": "pdf",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/webp": "webp",
    "text/html": "html",
    "text/latex": "tex",
    "text/markdown": "md",
    "text/plain": "txt",
}


class OutputSoFar:
    """The output of one program, in a file that a command reads while the program runs.

    A program that ends within its first second writes no file. `path` is None if nobody can ask
    for its output.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        # Guards the texts, and the order of the streams.
        self.lock = threading.RLock()
        self.stream = ""
        self.texts: list[tuple[str, io.StringIO]] = []
        self.write_to = io.StringIO()
        # One thread at a time writes the file.
        self.file_lock = threading.Lock()
        self.is_written = False

    def add(self, stream: str, text: str) -> None:
        """Add what a stream has passed on, with the lock held."""
        if stream != self.stream:
            self.stream = stream
            self.write_to = io.StringIO()
            self.texts.append((stream, self.write_to))
        self.write_to.write(text)

    def write_file(self) -> None:
        """Write the output since the last time."""
        if self.path is None:
            return
        with self.file_lock:
            with self.lock:
                texts, self.texts, self.stream = self.texts, [], ""
            if not texts and self.is_written:
                return
            with self.path.open("a") as file:
                self.is_written = True
                for stream, buffer in texts:
                    text = buffer.getvalue()
                    for begin in range(0, len(text), LINE_TEXT):
                        part = {"stream": stream, "text": text[begin : begin + LINE_TEXT]}
                        file.write(f"{json.dumps(part)}\n")

    def end(self) -> None:
        """Write the rest, if the program was no quick one."""
        if self.is_written:
            self.write_file()


class OutputWriter:
    """Writes the output of the program that runs, in a thread that sleeps while none does."""

    def __init__(self) -> None:
        self.output: OutputSoFar | None = None
        self.has_begun = threading.Event()
        self.is_stopped = threading.Event()
        self.now = time.monotonic  # a program can let the clock stand still
        self.began_at = 0.0
        threading.Thread(target=self.run, name="code-interpreter-output", daemon=True).start()

    def begin(self, output: OutputSoFar) -> None:
        self.began_at = self.now()
        self.output = output
        self.has_begun.set()

    def end(self) -> None:
        self.output = None

    def stop(self) -> None:
        self.is_stopped.set()
        self.has_begun.set()

    def run(self) -> None:
        while not self.is_stopped.is_set():
            self.has_begun.wait()
            self.has_begun.clear()
            while self.output is not None and not self.is_stopped.wait(WRITE_PAUSE):
                output = self.output
                if output is not None and self.now() - self.began_at >= QUICK_SECONDS:
                    with contextlib.suppress(Exception):  # such as a full disk
                        output.write_file()


class BoundedWrite:
    """Takes the place of a stream's `write`, and keeps the middle of a long output back."""

    def __init__(self, stream: Any, name: str, output: OutputSoFar) -> None:
        self.stream = stream
        self.name = name
        self.output = output
        self.pass_on = stream.write
        self.room = HEAD
        self.tail: collections.deque[str] = collections.deque()
        self.tail_size = 0
        self.left_out = 0
        self.process = os.getpid()
        self.has_ended = False
        self.lock = output.lock
        stream.write = self

    def __call__(self, text: str) -> int:
        # The process of a fork has no end at which the tail could be passed on.
        is_own = os.getpid() == self.process and not self.has_ended
        if not isinstance(text, str) or not is_own:
            written: int = self.pass_on(text)
            return written
        with self.lock:
            size = len(text) * weight(text)
            if self.room >= size:
                self.room -= size
                self.pass_on(text)
                self.output.add(self.name, text)
            else:
                fitting = max(self.room // weight(text), 0)
                self.room = 0
                if fitting:
                    self.pass_on(text[:fitting])
                    self.output.add(self.name, text[:fitting])
                self.keep(text[fitting:])
        return len(text)

    def keep(self, text: str) -> None:
        """Add text to the tail, and drop what exceeds it."""
        longest = TAIL // weight(text)
        if len(text) > longest:
            self.left_out += sum(map(len, self.tail)) + len(text) - longest
            self.tail.clear()
            self.tail_size = 0
            text = text[len(text) - longest :]
        self.tail.append(text)
        self.tail_size += len(text) * weight(text)
        while self.tail_size > TAIL:
            first = self.tail.popleft()
            excess = -(-(self.tail_size - TAIL) // weight(first))
            self.tail_size -= len(first) * weight(first)
            if len(first) > excess:
                rest = first[excess:]
                self.tail.appendleft(rest)
                self.tail_size += len(rest) * weight(rest)
            self.left_out += min(excess, len(first))

    def end(self) -> None:
        """Pass the tail on, and give the stream its own `write` back."""
        with self.lock:
            self.has_ended = True
            if self.left_out:
                self.pass_on(f"\n[... {self.left_out} characters left out ...]\n")
            for text in self.tail:
                self.pass_on(text)
            if getattr(self.stream, "write", None) is self:
                self.stream.write = self.pass_on


def weight(text: str) -> int:
    return 1 if text.isascii() else 4


class Displayed:
    """The mime bundles of one program: its displayed values, and its last expression's."""

    def __init__(self) -> None:
        self.bundles: list[dict[str, Any]] = []
        self.by_id: dict[str, int] = {}
        self.left_out = 0
        self.last_expression: int | None = None
        self.is_to_clear = False

    def add(
        self, data: dict[str, Any], display_id: str | None = None, update: bool = False
    ) -> bool:
        """Add a bundle, and return whether it is a new one."""
        if self.is_to_clear:
            self.clear(wait=False)
        if len(self.bundles) >= RESULTS_COUNT and not update:
            self.left_out += 1
            return False
        bundle: dict[str, Any] = {}
        for kind, value in data.items():
            with contextlib.suppress(Exception):  # it is not a value that JSON can have
                bundle[str(kind)] = json_value(value)
        if update and display_id in self.by_id:
            self.bundles[self.by_id[display_id]] = bundle
            return False
        # An update of an earlier program's display, or a figure that is shown twice.
        if update or (has_image(bundle) and bundle in self.bundles):
            return False
        if display_id is not None:
            self.by_id[display_id] = len(self.bundles)
        self.bundles.append(bundle)
        return True

    def clear(self, *, wait: bool) -> None:
        """Forget all bundles, or do so when the next one comes."""
        self.is_to_clear = wait
        if not wait:
            self.bundles.clear()
            self.by_id.clear()
            self.left_out = 0
            self.last_expression = None


def json_value(value: Any) -> Any:
    """Return a value of a mime bundle as Jupyter sends it, as it is now.

    :raises Exception: if JSON cannot have it.
    """
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, str):
        return value
    # JSON has no NaN.
    return json.loads(json.dumps(value, default=str), parse_constant=lambda _: None)


def has_image(bundle: dict[str, Any]) -> bool:
    return any(kind.startswith("image/") for kind in bundle)


class Exit:
    """Takes the place of IPython's `exit` and `quit`, which end the kernel and not the program."""

    def __call__(self, code: Any = None) -> None:
        raise SystemExit(code)

    def __repr__(self) -> str:
        return "Use exit() to end the program"


class Observer:
    """Observes the programs of a kernel."""

    def __init__(self, shell: Any, mark: str, folder: str, own_entries: list[str]) -> None:
        """Take the kernel's shell, the mark of the reports, and the name of a folder for tags.

        :param own_entries: The names that the service has put into the working directory.
        """
        self.shell = shell
        self.mark = mark
        self.out = sys.stdout
        self.home = Path.cwd()
        self.folder = Path(tempfile.gettempdir(), folder)
        self.own_entries = set(own_entries)
        self.tags: collections.deque[tuple[float, str]] = collections.deque()
        self.known_figures: weakref.WeakSet[Any] = weakref.WeakSet()
        self.reset_variables = False
        self.next_scan = 0.0
        self.writer = OutputWriter()
        self.output_files: collections.deque[Path] = collections.deque()
        self.begin("")

    def begin(self, cell: str) -> None:
        self.cell = cell
        self.tag = ""
        self.cancelled = False
        self.interrupted = False
        self.is_over = False
        self.displayed = Displayed()
        self.files: dict[str, tuple[int, ...]] | None = None
        self.bounds: list[BoundedWrite] = []
        self.output = OutputSoFar(None)

    # Attaching to the kernel, and detaching.

    def attach(self) -> None:
        shell = self.shell
        sys.argv = [""]
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.record_kernel()
        shell.events.register("pre_run_cell", self.before)
        shell.events.register("post_run_cell", self.after)
        shell.input_transformers_cleanup.insert(0, without_tag)
        shell.ast_transformers.append(self)
        self.publish, shell.display_pub.publish = shell.display_pub.publish, self.on_publish
        self.clear_output = shell.display_pub.clear_output
        shell.display_pub.clear_output = self.on_clear_output
        self.write_format_data = shell.displayhook.write_format_data
        shell.displayhook.write_format_data = self.on_last_expression
        self.finish_displayhook = shell.displayhook.finish_displayhook
        shell.displayhook.finish_displayhook = self.on_last_expression_shown
        self.reset, shell.reset = shell.reset, self.on_reset
        shell.user_ns.update(exit=Exit(), quit=Exit())
        # The default action of this signal is none, so that it harms no other process.
        signal.signal(signal.SIGURG, self.on_signal)

    def detach(self) -> None:
        shell = self.shell
        shell.events.unregister("pre_run_cell", self.before)
        shell.events.unregister("post_run_cell", self.after)
        shell.input_transformers_cleanup.remove(without_tag)
        shell.ast_transformers.remove(self)
        shell.display_pub.publish = self.publish
        shell.display_pub.clear_output = self.clear_output
        shell.displayhook.write_format_data = self.write_format_data
        shell.displayhook.finish_displayhook = self.finish_displayhook
        self.writer.stop()
        shell.reset = self.reset
        signal.signal(signal.SIGURG, signal.SIG_DFL)

    # The kernel calls these.

    def before(self, info: Any) -> None:
        """Take note of a program that begins. One that it runs in turn is a part of it."""
        if self.cell:
            return
        self.begin(info.raw_cell)
        # An error here would be shown in the program's output. It runs unobserved instead.
        with contextlib.suppress(Exception):  # a program may have set a handler of its own
            signal.signal(signal.SIGURG, self.on_signal)
        with contextlib.suppress(Exception):
            self.tag = tag_of(info.raw_cell)
            self.cancelled = bool(self.tag) and not self.record_begin()
        with contextlib.suppress(Exception):
            self.begin_output()
        for stream, name in ((sys.stdout, "stdout"), (sys.stderr, "stderr")):
            with contextlib.suppress(Exception):  # an earlier program has replaced the stream
                self.bounds.append(BoundedWrite(stream, name, self.output))
        with contextlib.suppress(Exception):
            self.files = self.scan()
        # The service strips an output at both ends, but nothing behind the mark.
        with contextlib.suppress(Exception):
            type(self.out).write(self.out, f"{self.mark}\n")

    def after(self, result: Any) -> None:
        """Report a program that has ended."""
        raw_cell = getattr(getattr(result, "info", None), "raw_cell", self.cell)
        if self.cell and raw_cell != self.cell:
            return
        self.is_over = True
        try:
            self.finish(result)
        finally:
            tag, self.tag = self.tag, ""  # from now on it cannot be interrupted
            self.writer.end()
            with contextlib.suppress(Exception):
                self.output.end()
            with contextlib.suppress(Exception):
                self.record_end(tag)
            self.begin("")
            self.reset_variables = False

    def finish(self, result: Any) -> None:
        """Print what is left of the output, and the report.

        A program can do anything to what is used here, and an interrupt or a signal can come at any
        moment: each part that fails leaves the others as they are.
        """
        for bound in self.bounds:
            with contextlib.suppress(BaseException):  # the program has closed the stream
                bound.end()
        with contextlib.suppress(BaseException):  # the report comes behind the output
            sys.stdout.flush()
        with contextlib.suppress(BaseException):
            self.add_open_figures()
        with contextlib.suppress(BaseException):
            self.add_pages()
        with contextlib.suppress(BaseException):
            self.remove_tag_from_history()
        report: dict[str, Any] = {}
        for part in (self.describe_end, self.describe_files, self.describe_results):
            with contextlib.suppress(BaseException):
                report.update(part(result))
        with contextlib.suppress(BaseException):
            self.print(report)

    def visit(self, node: ast.AST) -> ast.AST:
        """Reject a program that was cancelled before it began."""
        if self.cancelled:
            rejection = sys.modules["IPython.core.error"].InputRejected
            raise rejection("the program was cancelled before it began")
        return node

    def on_publish(self, data: Any, metadata: Any = None, *args: Any, **options: Any) -> Any:
        if isinstance(data, dict):
            display_id = (options.get("transient") or {}).get("display_id")
            self.displayed.add(data, display_id, bool(options.get("update")))
        with self.displaying():
            return self.publish(data, metadata, *args, **options)

    def on_clear_output(self, *args: Any, **options: Any) -> Any:
        self.displayed.clear(wait=bool(options.get("wait", args[0] if args else False)))
        return self.clear_output(*args, **options)

    def on_last_expression(self, format_dict: Any, *args: Any, **options: Any) -> Any:
        if self.displayed.add(format_dict):
            self.displayed.last_expression = len(self.displayed.bundles) - 1
        with self.displaying():
            return self.write_format_data(format_dict, *args, **options)

    def on_last_expression_shown(self) -> Any:
        with self.displaying():
            return self.finish_displayhook()

    @contextlib.contextmanager
    def displaying(self) -> Iterator[None]:
        """Tell the text that the kernel prints of a value from the program's own."""
        names = {bound: bound.name for bound in self.bounds}
        for bound in self.bounds:
            bound.name = "display"
        try:
            yield
        finally:
            for bound, name in names.items():
                bound.name = name

    def on_reset(self, *args: Any, **options: Any) -> Any:
        self.reset_variables = True
        result = self.reset(*args, **options)
        self.shell.user_ns.update(exit=Exit(), quit=Exit())
        return result

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Interrupt the program if it is the one that is to be interrupted."""
        if self.tag and (self.folder / f"{self.tag}.interrupt").exists():
            self.interrupted = not self.is_over  # or only the drawing of its figures
            signal.raise_signal(signal.SIGINT)
            # Code that awaits something learns of it when the event loop wakes up.
            asyncio.get_running_loop().call_soon_threadsafe(str)

    # The program's tag: the file of that name is made by the program that begins, or by the
    # request that cancels it, whichever is first. The file `running` names the one that runs.

    def record_begin(self) -> bool:
        """Return whether the program may begin."""
        now = time.monotonic()
        while self.tags and self.tags[0][0] < now - TAG_SECONDS:
            _, old = self.tags.popleft()
            (self.folder / old).unlink(missing_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)  # a program may have emptied its parent
        self.record_kernel()
        try:
            with (self.folder / self.tag).open("x") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            return False
        (self.folder / "running").write_text(self.tag)
        self.tags.append((now, self.tag))
        return True

    def begin_output(self) -> None:
        """Let the program's output be written to a file if the program takes its time."""
        if not self.tag or self.cancelled:
            return
        while len(self.output_files) >= OUTPUT_FILES:
            self.output_files.popleft().unlink(missing_ok=True)
        path = self.folder / f"{self.tag}.output"
        self.output_files.append(path)
        self.output = OutputSoFar(path)
        self.writer.begin(self.output)

    def record_end(self, tag: str) -> None:
        if tag and not self.cancelled:
            (self.folder / "running").write_text("")
            (self.folder / tag).write_text("ended")

    def record_kernel(self) -> None:
        """Write the id of the kernel's process, by which others learn whether it lives."""
        (self.folder / "kernel").write_text(str(os.getpid()))

    # The report.

    def describe_end(self, result: Any) -> dict[str, Any]:
        """Describe how the program ended; what does not apply is left out."""
        error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
        end: dict[str, Any] = {}
        if self.interrupted:
            end["interrupted"] = True
        if self.reset_variables or getattr(self.shell, "exit_now", False):
            end["variables_lost"] = True
        left_out = sum(bound.left_out for bound in self.bounds)
        if left_out:
            end["left_out"] = left_out
        if self.cancelled:
            end["cancelled"] = True
        elif isinstance(error, SystemExit):
            end["exit"] = exit_code(error)
        elif error is not None:
            end["exception"] = describe(error, self.shell.user_ns)
        return end

    def describe_files(self, _result: Any) -> dict[str, Any]:
        changes = self.changes()
        return {"files_changed": changes} if changes else {}

    def describe_results(self, _result: Any) -> dict[str, Any]:
        results: dict[str, Any] = {}
        bundles = self.bundles(self.tag)
        if bundles:
            results["results"] = bundles
        if self.displayed.last_expression is not None:
            results["last_expression"] = self.displayed.last_expression
        if self.displayed.left_out:
            results["results_left_out"] = self.displayed.left_out
        return results

    def print(self, report: dict[str, Any]) -> None:
        # Not by the stream's own `write`, in whose place IPython puts one that keeps all output.
        type(self.out).write(self.out, f"\n{self.mark}{json.dumps(report, default=str)}\n")
        self.out.flush()

    def bundles(self, tag: str) -> list[dict[str, Any]]:
        """Return the bundles, in which large values are files that `files` names."""
        left = REPORT_VALUES
        bundles = []
        for number, bundle in enumerate(self.displayed.bundles, 1):
            values: dict[str, Any] = {}
            files: dict[str, str] = {}
            for kind, value in bundle.items():
                size = len(json.dumps(value))
                if size <= min(left, REPORT_VALUE):
                    left -= size
                    values[kind] = value
                    continue
                part = f"-{len(files) + 1}" if files else ""
                name = f"{tag[:8] or 'result'}-{number}{part}.{SUFFIXES.get(kind, 'bin')}"
                with contextlib.suppress(OSError):  # the folder's name is taken, or the disk full
                    files[kind] = self.write_value(name, kind, value)
            bundles.append({**values, "files": files} if files else values)
        return bundles

    def write_value(self, name: str, kind: str, value: Any) -> str:
        (self.home / RESULTS).mkdir(exist_ok=True)
        is_binary = kind.startswith("image/") and kind != "image/svg+xml"
        body = (value if isinstance(value, str) else json.dumps(value)).encode(errors="replace")
        if isinstance(value, str) and (is_binary or kind == "application/pdf"):
            with contextlib.suppress(ValueError):  # the program displayed something else
                body = base64.b64decode(value, validate=True)
        (self.home / RESULTS / name).write_bytes(body)
        return f"{RESULTS}/{name}"

    def add_open_figures(self) -> None:
        """Add the open figures that were drawn and not saved.

        Jupyter's own backend shows the figures of each program and closes them. With another one,
        such as Agg, `show` does nothing. A saved figure is not stale, but neither is one that is
        drawn interactively.
        """
        helpers = sys.modules.get("matplotlib._pylab_helpers")
        matplotlib = sys.modules.get("matplotlib")
        if helpers is None or matplotlib is None or "inline" in matplotlib.get_backend().lower():
            return
        for manager in helpers.Gcf.get_all_fig_managers():
            figure = manager.canvas.figure
            is_new = figure not in self.known_figures
            self.known_figures.add(figure)
            if figure.stale or (is_new and matplotlib.is_interactive()):
                image = io.BytesIO()
                with contextlib.suppress(Exception):  # this figure cannot be drawn
                    figure.savefig(image, format="png", bbox_inches="tight")
                    self.displayed.add({"text/plain": str(figure), "image/png": image.getvalue()})
                figure.stale = False

    def add_pages(self) -> None:
        """Add the text of `name?`, which Jupyter shows beside the notebook."""
        for item in self.shell.payload_manager.read_payload():
            if item.get("source") == "page":
                self.displayed.add(item["data"])

    def remove_tag_from_history(self) -> None:
        raw = self.shell.history_manager.input_hist_raw
        if raw and raw[-1] == self.cell:
            raw[-1] = "".join(without_tag([self.cell]))

    # The files of the working directory.

    def scan(self) -> dict[str, tuple[int, ...]] | None:
        """Return what tells versions of each file apart, or None if there are too many files."""
        files: dict[str, tuple[int, ...]] = {}
        if time.monotonic() < self.next_scan:
            return None
        left = SCANNED_FILES
        folders = [""]
        try:
            while folders:
                folder = folders.pop()
                for entry in os.scandir(self.home / folder):
                    left -= 1
                    if left < 0:
                        self.next_scan = time.monotonic() + SCAN_PAUSE
                        return None
                    path = f"{folder}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        is_own = not folder and entry.name in self.own_entries
                        if not (is_own or entry.name.startswith((".", "__pycache__"))):
                            folders.append(f"{path}/")
                        continue
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode):
                        files[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            return None  # it changes while it is read
        return files

    def changes(self) -> dict[str, list[str]]:
        """Return the paths of the files that changed since the program began, by kind."""
        before, after = self.files, None if self.files is None else self.scan()
        if before is None or after is None:
            return {}
        changes = {
            "created": [path for path in after if path not in before],
            "changed": [path for path in after if path in before and after[path] != before[path]],
            "removed": [path for path in before if path not in after],
        }
        return {kind: sorted(paths)[:NAMES] for kind, paths in changes.items() if paths}


def find_tag(cell: str) -> tuple[int, int] | None:
    """Return where the tag of a program begins and ends, or None if it has none."""
    lines = cell.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not filled:
        return None
    number = filled[0] if lines[filled[0]].startswith("%%") else filled[-1]
    found = TAG.search(lines[number])
    if found is None:
        return None
    begin = sum(len(line) + 1 for line in lines[:number]) + found.start()
    return begin, begin + len(found[0])


def tag_of(cell: str) -> str:
    """Return the tag that the function has given to a program, in hexadecimal, or an empty text."""
    place = find_tag(cell)
    if place is None:
        return ""
    bits = cell[place[0] : place[1]].translate({ord(" "): "0", ord("\t"): "1"})
    return f"{int(bits, 2):016x}"


def without_tag(lines: list[str]) -> list[str]:
    """Return the lines of a program as they were before the function added the tag."""
    cell = "".join(lines)
    place = find_tag(cell)
    if place is None:
        return lines
    return (cell[: place[0]] + cell[place[1] :]).splitlines(keepends=True)


def exit_code(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return int(error.code or 0)
    return 1  # Python prints any other value as the reason of a failure


def describe(error: BaseException, variables: Any, depth: int = 0) -> dict[str, Any]:
    """Describe an exception; what does not apply, or fails in its turn, is left out."""
    # A syntax error's text also names the file and the line.
    message = error.msg if isinstance(error, SyntaxError) else error
    longest = MESSAGE if depth == 0 else MEMBER_MESSAGE
    described: dict[str, Any] = {"type": type(error).__name__, "message": text_of(message, longest)}
    with contextlib.suppress(BaseException):
        notes = getattr(error, "__notes__", None)
        if isinstance(notes, (list, tuple)) and notes:
            described["notes"] = [text_of(note, MEMBER_MESSAGE) for note in notes[:MEMBERS]]
    with contextlib.suppress(BaseException):
        line = line_of(error, variables)
        if line is not None:
            described["line"] = line
    with contextlib.suppress(BaseException):
        members = getattr(error, "exceptions", None)
        if isinstance(members, tuple) and depth < DEPTH:
            described["members"] = [
                describe(member, variables, depth + 1)
                for member in members[:MEMBERS]
                if isinstance(member, BaseException)
            ]
    return described


def text_of(value: object, longest: int) -> str:
    try:
        return str(value)[:longest]
    except BaseException:  # the program's own `__str__` fails
        return ""


def line_of(error: BaseException, variables: Any) -> int | None:
    """Return the line of the program at which the exception left it."""
    line: int | None = None
    file = None
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if file is None and traceback.tb_frame.f_globals is variables:
            file = code.co_filename
        if code.co_filename == file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    if line is None and isinstance(error, SyntaxError):
        return error.lineno
    return line


def install(request: dict[str, Any]) -> None:
    """Attach an observer, print what the function asks about the kernel, and leave no trace.

    The kernel's hooks run at the end of this program, too: the observer's first report shows that
    their output comes back.
    """
    shell = sys.modules["IPython"].get_ipython()
    os.environ.update(request["environment"])
    earlier = getattr(shell, "code_interpreter_observer", None)
    entries = sorted(entry.name for entry in os.scandir("."))
    own_entries = entries if request["own_entries"] is None else request["own_entries"]
    observer = Observer(shell, request["mark"], request["folder"], own_entries)
    if earlier is not None:
        earlier.detach()
        observer.home = earlier.home  # a program may have changed the folder
    observer.attach()
    shell.code_interpreter_observer = observer
    installed = {"entries": entries, "is_new": earlier is None}
    sys.stdout.write(f"\n{request['mark']}{json.dumps(installed)}\n")
    forget_this_program(shell)


def uninstall() -> None:
    """Detach the observer, whose reports do not come back."""
    shell = sys.modules["IPython"].get_ipython()
    shell.code_interpreter_observer.detach()
    del shell.code_interpreter_observer
    forget_this_program(shell)


def forget_this_program(shell: Any) -> None:
    """Let the next program have this one's number, so that the user's first one is number 1."""
    shell.execution_count -= 1
    history = shell.history_manager
    history.input_hist_parsed.pop()
    history.input_hist_raw.pop()
    history._i00 = ""
    shell.user_ns.pop(f"_i{shell.execution_count}", None)
    shell.user_ns["_i"] = ""


if __name__ == "code_interpreter_observer":
    globals()[action](**arguments)  # type: ignore[name-defined]  # noqa: F821  # the function sets both
