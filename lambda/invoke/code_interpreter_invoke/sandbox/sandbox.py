"""One sandbox: operations, and the transfers of files before and after the user's own."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..clients import CodeInterpreterClient
from ..responses import Entry
from .errors import TransferError
from .program_client import command_line, group_paths, new_marker, parse_result
from .results import Result, fold

# Files up to this size travel in operations. They are hashed, so that the function can compare the
# bytes that arrive. Larger files go through S3.
MAX_OPERATION_BYTES = 8 * 1024 * 1024


class FileFound(NamedTuple):
    """A file of a sandbox. `problem` says why it cannot be saved."""

    path: str
    size: int = 0
    sha256: str = ""
    problem: str = ""


class Sandbox:
    """A running session of the code interpreter."""

    def __init__(
        self,
        interpreter: CodeInterpreterClient,
        session_id: str,
        own_entries: tuple[str, ...] = (),
        ready_at: float = 0.0,
    ) -> None:
        """Take the session.

        :param own_entries: The names that the service has put into the working directory.
        :param ready_at: The moment since when users could change them, in seconds since the epoch.
        """
        self._interpreter = interpreter
        self.session_id = session_id
        self.own_entries = own_entries
        self.ready_at = ready_at
        # The network error of a transfer between the sandbox and S3. After it, none is tried.
        self.s3_error: str | None = None

    def invoke(
        self,
        name: str,
        arguments: dict[str, Any],
        *,
        timeout: float | None = None,
        repeatable: bool = False,
    ) -> Result:
        """Send an operation, at most once unless it is `repeatable`; `timeout` is in seconds."""
        events = self._interpreter.invoke(
            self.session_id, name, arguments, timeout=timeout, repeatable=repeatable
        )
        return fold(events)

    def run_program(self, action: str, *, repeatable: bool = False, **arguments: Any) -> Any:
        """Run an action of `program.py` and return its result.

        Only actions that take seconds are `repeatable`: the service may still run the first one.

        :raises ProgramError: if the program failed
        """
        marker = new_marker()
        command = {"command": command_line(marker, action, **arguments)}
        return parse_result(marker, self.invoke("executeCommand", command, repeatable=repeatable))

    def inventory(self, paths: list[str] | None) -> list[FileFound]:
        """Return the regular files below `paths`.

        Without paths, return those directly in the working directory, but the service's own as long
        as nobody has changed them.
        """
        if paths is None:
            return self._inventory(None, self.own_entries)
        return [file for group in group_paths(paths) for file in self._inventory(group, ())]

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
