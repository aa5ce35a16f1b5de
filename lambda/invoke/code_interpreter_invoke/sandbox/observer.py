"""The function's side of the observer in the kernel: its code, and its reports.

`observer_program.py` runs once in each kernel and registers hooks. After each program it prints a
line of JSON behind a mark that is random for each sandbox, so that no other program's output is
taken for a report.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..responses import ExceptionDetail, FilesChanged, MimeBundle


# Sent as text and never imported: the modules it imports would slow down every cold start.
SOURCE = Path(__file__).with_name("observer_program.py").read_text(encoding="utf-8")

TAG_BITS = 64
# A frame of the observer in a traceback, and the lines below it.
OWN_FRAME = re.compile(r"\n[^\n]*<code-interpreter>[^\n]*(?:\n +\d+ [^\n]*)*(?:\n(?=\n))?")


class Program(NamedTuple):
    """A program that runs in a kernel or has run in it, by the id of its request."""

    request_id: str
    is_running: bool

    @property
    def tag(self) -> str:
        return tag_of(self.request_id)


class Report(NamedTuple):
    """The observer's report of one program.

    `exit_code` is that of a program which ended with `SystemExit`. `last_expression` is the index
    of its value in the results. `left_out` counts the characters that the output lacks in its
    middle, and `results_left_out` the results that the report lacks. `variables_lost` says that the
    program removed all variables or ends the kernel.
    """

    exception: ExceptionDetail | None = None
    exit_code: int | None = None
    results: tuple[MimeBundle, ...] = ()
    last_expression: int | None = None
    files_changed: FilesChanged | None = None
    left_out: int = 0
    results_left_out: int = 0
    cancelled: bool = False
    interrupted: bool = False
    variables_lost: bool = False


class Installation(NamedTuple):
    """The outcome of installing the observer.

    `entries` are the names in the working directory. `is_new` says that the kernel had no observer
    yet, `is_heard` that the output of the kernel's hooks comes back.
    """

    entries: tuple[str, ...]
    is_new: bool
    is_heard: bool


class Observer(NamedTuple):
    """The observer of one sandbox, by the mark of its reports."""

    mark: str

    @classmethod
    def new(cls) -> Observer:
        return cls.of_secret(secrets.token_hex(8))

    @classmethod
    def of_secret(cls, secret: str) -> Observer:
        """Return the observer of the sandbox that was started with a secret of its own.

        Two requests may prepare one sandbox, and the later installation need not be that of the
        request whose record counts: both have the same mark.
        """
        digest = hashlib.sha256(f"observer {secret}".encode()).hexdigest()
        return cls(f"code-interpreter-report:{digest[:16]}:")

    @property
    def folder(self) -> str:
        """The name of the folder for the programs' tags, which does not show the mark."""
        return f"code-interpreter-{hashlib.sha256(self.mark.encode()).hexdigest()[:16]}"

    def install_code(
        self, environment: Mapping[str, str], own_entries: Sequence[str] | None
    ) -> str:
        """Return the code that installs the observer and sets environment variables.

        :param own_entries: The names that the service has put into the working directory; None if
            the present ones are.
        """
        request = {
            "mark": self.mark,
            "folder": self.folder,
            "environment": dict(environment),
            "own_entries": None if own_entries is None else list(own_entries),
        }
        return run_action("install", {"request": request})

    def uninstall_code(self) -> str:
        return run_action("uninstall", {})

    def installation(self, stdout: str) -> Installation | None:
        """Return what `install_code` printed, or None if it did not run."""
        lines = list(self._marked_lines(stdout))
        for members in lines:
            if isinstance(members.get("entries"), list):
                entries = tuple(str(name) for name in members["entries"])
                return Installation(entries, bool(members.get("is_new")), len(lines) > 1)
        return None

    def split(self, output: str) -> tuple[str, Report | None]:
        """Return a program's output without the observer's lines, and the report.

        The report is the last one: a program that prints reports of its own fools nobody but
        itself. The service strips an output at both ends. Behind the mark at the beginning and
        before the report nothing is stripped but the last line end.
        """
        begin = f"{self.mark}\n"
        start = f"\n{output}".rfind(f"\n{self.mark}{{")
        line = output[start + len(self.mark) :].partition("\n")[0] if start >= 0 else ""
        members = json_object(line)
        if members is None:
            # The program ended the kernel.
            return f"{output}\n".removeprefix(begin).removesuffix("\n"), None
        own = output[:start]
        if own.startswith(begin):
            own = own.removeprefix(begin).removesuffix("\n").removesuffix("\n")
        else:
            own = own.strip()
        late = output[start:].partition("\n")[2]
        return own + (f"\n{late}" if late else ""), report(members)

    def _marked_lines(self, stdout: str) -> list[dict[str, Any]]:
        lines = [line for line in stdout.split("\n") if line.startswith(self.mark)]
        found = [json_object(line.removeprefix(self.mark)) for line in lines]
        return [members for members in found if members is not None]


def json_object(text: str) -> dict[str, Any] | None:
    """Return the object that a text is the JSON of, or None."""
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        return value if isinstance(value, dict) else None
    return None


def run_action(action: str, arguments: Mapping[str, Any]) -> str:
    """Return code that runs an action of `observer_program.py` and leaves no variables."""
    variables = {"__name__": "code_interpreter_observer", "action": action, "arguments": arguments}
    return f"exec(compile({SOURCE!r}, '<code-interpreter>', 'exec'), {variables!r})"


def tag_of(request_id: str) -> str:
    """Return the tag of a request's program, in hexadecimal."""
    return hashlib.sha256(request_id.encode()).hexdigest()[: TAG_BITS // 4]


def without_own_frames(stderr: str) -> str:
    """Return a traceback without the observer's frames, such as the one that interrupts."""
    return OWN_FRAME.sub("", stderr) if "<code-interpreter>" in stderr else stderr


def with_tag(code: str, tag: str) -> str:
    """Return code with a tag that tells the observer which request it belongs to.

    The tag is white space, a blank for 0 and a tab for 1, so that the program stays as it is. It
    ends the last line, or the first one if that is a cell magic, whose lines belong to another
    language.
    """
    lines = code.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not filled:
        return code
    number = filled[0] if lines[filled[0]].startswith("%%") else filled[-1]
    white_space = f"{int(tag, 16):0{TAG_BITS}b}".translate({ord("0"): " ", ord("1"): "\t"})
    lines[number] += white_space
    return "\n".join(lines)


# A program that knows the mark can print a report of any shape.


def report(members: Mapping[str, Any]) -> Report:
    code = members.get("exit")
    exception = members.get("exception")
    bundles = [mime_bundle(item) for item in items(members.get("results"))]
    last = members.get("last_expression")
    is_known = isinstance(last, int) and 0 <= last < len(bundles) and all(bundles)
    return Report(
        exception=exception_detail(exception) if isinstance(exception, dict) else None,
        exit_code=code if isinstance(code, int) else None,
        results=tuple(bundle for bundle in bundles if bundle),
        last_expression=last if is_known else None,
        files_changed=files_changed(members.get("files_changed")),
        left_out=number(members.get("left_out")),
        results_left_out=number(members.get("results_left_out")),
        cancelled=members.get("cancelled") is True,
        interrupted=members.get("interrupted") is True,
        variables_lost=members.get("variables_lost") is True,
    )


def exception_detail(members: Mapping[str, Any], depth: int = 0) -> ExceptionDetail:
    detail: ExceptionDetail = {
        "type": str(members.get("type", "")),
        "message": str(members.get("message", "")),
    }
    notes = [str(note) for note in items(members.get("notes"))]
    if notes:
        detail["notes"] = notes
    if isinstance(members.get("line"), int):
        detail["line"] = members["line"]
    inner = [item for item in items(members.get("members")) if isinstance(item, dict)]
    if inner and depth < 5:
        detail["members"] = [exception_detail(member, depth + 1) for member in inner]
    return detail


def mime_bundle(members: Any) -> MimeBundle:
    if not isinstance(members, dict):
        return {}
    bundle: MimeBundle = {str(kind): value for kind, value in members.items() if kind != "files"}
    files = members.get("files")
    if isinstance(files, dict):
        bundle["files"] = {str(kind): str(path) for kind, path in files.items()}
    return bundle


def files_changed(members: Any) -> FilesChanged | None:
    if not isinstance(members, dict):
        return None
    changes: FilesChanged = {}
    for kind in ("created", "changed", "removed"):
        paths = [str(path) for path in items(members.get(kind))]
        if paths:
            changes[kind] = paths
    return changes


def number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
