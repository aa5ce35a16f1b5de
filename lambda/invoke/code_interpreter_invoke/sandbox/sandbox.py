"""One sandbox: operations, and the transfers of files before and after the user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..clients import CodeInterpreterClient
from ..errors import NotStartedError, RequestError, TimedOutError, TransferError
from .command_lines import check_command_line
from .observer import Installation, Observer, Report, tag_of, with_tag, without_own_frames
from .program_client import command_line, group_paths, new_marker, parse_result
from .results import Result, fold, without_report

if TYPE_CHECKING:
    from ..responses import Entry, OutputText

# Files up to this size travel in operations. They are hashed, so that the function can compare the
# bytes that arrive. Larger files go through S3.
MAX_OPERATION_BYTES = 8 * 1024 * 1024
# Seconds for a command that reads the output of a program beside it. If commands wait for code, it
# comes too late.
READ_OUTPUT_SECONDS = 5.0
# Seconds that a program may take to end after an interrupt, the interrupting command beside it, and
# the program's result to come. When the function's time is up, they take a part of the time that is
# kept for the response.
INTERRUPT_SECONDS = 5.0
COMMAND_SECONDS = 3.0
RESULT_SECONDS = 3.0
INTERRUPT_PART = 0.4
COMMAND_PART = 0.6
RESULT_PART = 0.2


class FileFound(NamedTuple):
    """A file of a sandbox. `problem` says why it cannot be saved."""

    path: str
    size: int = 0
    sha256: str = ""
    problem: str = ""


class OutputPart(NamedTuple):
    """A part of a program's output, and where the next one begins."""

    output: list[OutputText]
    next_offset: int


class Sandbox:
    """A running session of the code interpreter."""

    def __init__(
        self,
        interpreter: CodeInterpreterClient,
        session_id: str,
        own_entries: tuple[str, ...] = (),
        ready_at: float = 0.0,
        observer: Observer | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Take what is known of the sandbox.

        :param own_entries: The names that the service has put into the working directory.
        :param ready_at: The moment since when users could change them, in seconds since the epoch.
        :param observer: The observer in its kernel.
        :param environment: The session's environment variables.
        """
        self._interpreter = interpreter
        self.session_id = session_id
        self.own_entries = own_entries
        self.ready_at = ready_at
        self.observer = observer
        self.environment = environment
        # The network error of a transfer between the sandbox and S3. After it, none is tried.
        self.s3_error: str | None = None

    def prepare(self, observer: Observer, *, observed: bool = True) -> None:
        """Install the observer in the kernel, and learn the service's names in the directory.

        Without an observer, everything is known from the output alone. That is so where the output
        of the kernel's hooks does not come back.
        """
        installation = self._install(observer, None) if observed or self.environment else None
        if installation is None:
            self.own_entries = tuple(self.root_entries())
            return
        self.own_entries = installation.entries
        if installation.is_heard:
            self.observer = observer
        else:
            self._run_own_code(observer.uninstall_code())

    def _install(
        self, observer: Observer, own_entries: tuple[str, ...] | None
    ) -> Installation | None:
        result = self._run_own_code(observer.install_code(self.environment, own_entries))
        return observer.installation(result.stdout)

    def _run_own_code(self, code: str) -> Result:
        arguments = {"code": code, "language": "python"}
        return self.invoke("executeCode", arguments, repeatable=True)

    def execute_code(
        self, arguments: Mapping[str, Any], *, timeout: float | None, request_id: str
    ) -> Result:
        """Run a program of the user's, and observe it if it is one for the kernel.

        A program whose time is up is interrupted.

        :param request_id: Names the program to a request that interrupts it.
        :raises NotStartedError: if its time was up before it began, or it was cancelled
        :raises TimedOutError: if its time was up and it could not be interrupted
        """
        observer = self.observer
        is_python = "code" in arguments and arguments.get("language", "python") == "python"
        if observer is None or not is_python:
            return self.invoke("executeCode", dict(arguments), timeout=timeout)
        interruption = Interruption(self, observer, tag_of(request_id))
        try:
            result = self.invoke(
                "executeCode",
                {**arguments, "code": with_tag(arguments["code"], interruption.tag)},
                timeout=timeout,
                on_timeout=interruption.interrupt,
            )
        except TimedOutError:
            if not interruption.found_waiting:
                raise
            raise NotStartedError(
                "the program did not begin in time: it waited for another one to end"
            ) from None
        result = without_report(result, observer)
        report = result.report
        if report is not None and report.cancelled:
            raise NotStartedError("the program was cancelled before it began", retryable=False)
        # It may also have ended by itself just before.
        is_interrupted = interruption.was_needed and (report is None or report.interrupted)
        return result._replace(
            stderr=without_own_frames(result.stderr),
            was_interrupted=is_interrupted,
            variables_lost=self._has_lost_variables(observer, report),
        )

    def _has_lost_variables(self, observer: Observer, report: Report | None) -> bool:
        """Tell whether the kernel's variables are gone, and observe the kernel that replaced it."""
        if report is not None and not report.variables_lost:
            return False
        try:
            installation = self._install(observer, self.own_entries)
        except RequestError:
            return report is not None  # the program's own result stands
        # Without a report the program may also have closed the standard output.
        return report is not None or (installation is not None and installation.is_new)

    def end_program(self, observer: Observer, tag: str) -> str:
        """Interrupt the kernel's program with a tag; see `end_program` in `program.py`."""
        ended = self.run_program(
            "end_program",
            timeout=min(INTERRUPT_SECONDS + COMMAND_SECONDS, self.seconds_for(COMMAND_PART)),
            repeatable=True,
            is_last=True,
            folder=observer.folder,
            tag=tag,
            seconds=min(INTERRUPT_SECONDS, self.seconds_for(INTERRUPT_PART)),
        )
        return str(ended)

    def read_output(self, observer: Observer, tag: str, offset: int) -> OutputPart:
        """Return the output of the kernel's program with a tag, from an offset on."""
        part = self.run_program(
            "read_output",
            timeout=READ_OUTPUT_SECONDS,
            is_last=True,  # another read comes, so that none waits for its turn
            folder=observer.folder,
            tag=tag,
            offset=offset,
        )
        return OutputPart(**part)

    def seconds_for(self, part: float) -> float:
        """Return the seconds that work may take which may use a part of the response's time."""
        return self._interpreter.seconds_for(part)

    def invoke(
        self,
        name: str,
        arguments: dict[str, Any],
        *,
        timeout: float | None = None,
        repeatable: bool = False,
        on_timeout: Callable[[], float] | None = None,
        is_last: bool = False,
    ) -> Result:
        """Send an operation, at most once unless it is `repeatable`; `timeout` is in seconds.

        :raises RequestError: if there is no complete result, with the output that has come
        """
        check_command_line(arguments.get("command", ""))
        events: list[dict[str, Any]] = []
        stream = self._interpreter.invoke(
            self.session_id,
            name,
            arguments,
            timeout=timeout,
            repeatable=repeatable,
            on_timeout=on_timeout,
            is_last=is_last,
        )
        try:
            events.extend(stream)
        except RequestError as error:
            if events:
                partial = fold(events)
                error.members = {
                    "stdout": partial.stdout,
                    "stderr": partial.stderr,
                    **error.members,
                }
            raise
        return fold(events)

    def run_program(
        self,
        action: str,
        *,
        timeout: float | None = None,
        repeatable: bool = False,
        is_last: bool = False,
        **arguments: Any,
    ) -> Any:
        """Run an action of `program.py` and return its result.

        Only actions that take seconds may be `repeatable`: the first attempt may still run.

        :raises ProgramError: if the program failed
        """
        marker = new_marker()
        command = {"command": command_line(marker, action, **arguments)}
        result = self.invoke(
            "executeCommand", command, timeout=timeout, repeatable=repeatable, is_last=is_last
        )
        return parse_result(marker, result)

    def inventory(self, paths: list[str] | None) -> list[FileFound]:
        """Return the regular files below `paths`, each once.

        Without paths, return those directly in the working directory, but the service's own as long
        as nobody has changed them.
        """
        if paths is None:
            return self._inventory(None, self.own_entries)
        found = [file for group in group_paths(paths) for file in self._inventory(group, ())]
        return list(dict.fromkeys(found))

    def _inventory(self, paths: list[str] | None, skipped: tuple[str, ...]) -> list[FileFound]:
        files = self.run_program(
            "inventory",
            repeatable=True,
            paths=paths,
            skipped=skipped,
            skipped_until=self.ready_at,
            hashed_bytes=MAX_OPERATION_BYTES,
        )
        return [FileFound(**file) for file in files]

    def write(self, files: dict[str, bytes]) -> None:
        """Write files, all of them or none.

        :raises TransferError: if the sandbox refuses one of them
        """
        content = [{"path": path, "blob": body} for path, body in files.items()]
        result = self.invoke("writeFiles", {"content": content}, repeatable=True)
        if result.failed:
            raise TransferError(result.stderr)

    def root_entries(self) -> list[str]:
        """Return the names in the working directory."""
        result = self.invoke("listFiles", {"directoryPath": "."}, repeatable=True)
        return [entry["name"] for entry in list_entries(result)]


class Interruption:
    """Ends a program of the kernel when its time is up."""

    def __init__(self, sandbox: Sandbox, observer: Observer, tag: str) -> None:
        self._sandbox = sandbox
        self._observer = observer
        self.tag = tag
        self.was_needed = False
        # Whether the program waited for another one; it never begins then.
        self.found_waiting = False

    def interrupt(self) -> float:
        """Interrupt the program, and return the seconds to wait for its result."""
        self.was_needed = True
        try:
            state = self._sandbox.end_program(self._observer, self.tag)
        except RequestError:
            return 0  # commands do not run beside code, or the sandbox is gone
        self.found_waiting = state == "waiting"
        if state in ("interrupted", "ended"):
            return min(RESULT_SECONDS, self._sandbox.seconds_for(RESULT_PART))
        # It waits, or it ignores the interrupt, or nothing is known of it.
        return 0


def list_entries(result: Result) -> list[Entry]:
    """Return the entries of a listFiles result, sorted by name."""
    found: list[Entry] = []
    for block in result.content:
        if block.get("type") == "resource_link":
            folder = block.get("description") == "Directory"
            entry: Entry = {
                "name": str(block.get("name", "")),
                "type": "directory" if folder else "file",
            }
            if "size" in block:
                entry["size"] = block["size"]
            found.append(entry)
    return sorted(found, key=lambda entry: entry["name"])


def file_contents(result: Result) -> list[bytes]:
    """Return the files of a readFiles result in the order of its blocks.

    The service gives binary files as `blob` and text files as either of `text` and `blob`.
    """
    resources = [block["resource"] for block in result.content if "resource" in block]
    return [
        resource["blob"] if "blob" in resource else resource.get("text", "").encode()
        for resource in resources
    ]
