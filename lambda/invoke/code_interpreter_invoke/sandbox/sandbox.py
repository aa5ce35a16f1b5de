"""One sandbox, as the work around the user's own call sees it: files in, files out."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..clients import CodeInterpreterClient
from ..errors import NotStartedError
from ..files.batches import BATCH_BYTES
from .results import Result, fold

# Sent as text and never imported: what it needs would slow down every cold start.
PROGRAM = Path(__file__).with_name("program.py").read_text(encoding="utf-8")
MARK = "code-interpreter-invoke:"

# A command line longer than about 128 KB has been seen to hang.
TASK_BYTES = 60_000
# Files that travel in requests are hashed, so that what arrives can be compared.
HASHED_BYTES = BATCH_BYTES


class TaskFailedError(NotStartedError):
    """The sandbox has refused its part of the work, and would refuse it again."""

    retryable_by_default = False


class FileFound(NamedTuple):
    """A file of a sandbox. `problem` says why it cannot be saved."""

    path: str
    size: int
    sha256: str = ""
    problem: str = ""


class Sandbox:
    """A running session of the code interpreter."""

    def __init__(
        self, interpreter: CodeInterpreterClient, session_id: str, own_entries: tuple[str, ...] = ()
    ) -> None:
        """`own_entries` are those of the working directory before anybody used it."""
        self._interpreter = interpreter
        self.session_id = session_id
        self.own_entries = own_entries
        # Unknown until a transfer has failed for want of a network.
        self.reaches_s3 = True

    def run(self, name: str, arguments: dict[str, Any], timeout: float | None = None) -> Result:
        """Send the user's own operation, once."""
        return fold(self._interpreter.invoke(self.session_id, name, arguments, timeout=timeout))

    def repeat(self, name: str, arguments: dict[str, Any]) -> Result:
        """Send an operation that may be sent again when its answer is lost."""
        return fold(self._interpreter.invoke(self.session_id, name, arguments, repeatable=True))

    def perform(self, task: str, **arguments: Any) -> Any:
        """Run a task of `in_sandbox` that may take long, and return its outcome."""
        return outcome(self.run("executeCommand", {"command": command(task, **arguments)}))

    def perform_quickly(self, task: str, **arguments: Any) -> Any:
        """Run a task of seconds, again if its answer is lost, and return its outcome."""
        return outcome(self.repeat("executeCommand", {"command": command(task, **arguments)}))

    def inventory(self, paths: list[str] | None) -> list[FileFound]:
        """The regular files below `paths`, or else those directly in the working directory that
        are not the service's own."""
        if paths is None:
            return self._inventory(None)
        return [file for group in groups(paths) for file in self._inventory(group)]

    def _inventory(self, paths: list[str] | None) -> list[FileFound]:
        skipped = [] if paths else self.own_entries
        listed = self.perform_quickly(
            "inventory", paths=paths, skipped=skipped, hashed_bytes=HASHED_BYTES
        )
        return [
            FileFound(path, 0, problem=detail) if size < 0 else FileFound(path, size, detail)
            for path, size, detail in listed
        ]

    def write(self, files: dict[str, bytes]) -> str | None:
        """Write files; says what went wrong, if anything."""
        content = [{"path": path, "blob": body} for path, body in files.items()]
        result = self.repeat("writeFiles", {"content": content})
        return result.stderr if result.failed else None

    def root_entries(self) -> list[str]:
        """The names in the working directory."""
        listed = entries(self.repeat("listFiles", {"directoryPath": "."}))
        return [entry["name"] for entry in listed]


def command(task: str, **arguments: Any) -> str:
    """The command line of a task; isolated, since the user's files may be named as modules are."""
    return shlex.join(
        ["python3", "-I", "-c", PROGRAM, json.dumps({"mark": MARK, "task": task, **arguments})]
    )


def outcome(result: Result) -> Any:
    """What a task of `in_sandbox` answered."""
    for line in result.stdout.splitlines():
        _, mark, answer = line.partition(MARK)
        if mark:
            with suppress(ValueError):  # the service has cut off what was too long
                return json.loads(answer)
    lines = result.stderr.strip().splitlines()
    detail = f": {lines[-1][:200]}" if lines else ""
    raise TaskFailedError(f"the sandbox could not do its part of the work{detail}")


def groups(paths: list[str]) -> list[list[str]]:
    """Paths in groups whose tasks are short enough for a command line."""
    found: list[list[str]] = []
    length = TASK_BYTES
    for path in paths:
        needed = len(shlex.quote(json.dumps(path))) + 2
        if length + needed > TASK_BYTES:
            found.append([])
            length = 0
        found[-1].append(path)
        length += needed
    return found


def entries(result: Result) -> list[dict[str, Any]]:
    """A listing's entries: name, type and, where the service gives it, size; sorted by name."""
    found = []
    for block in result.content:
        if block.get("type") == "resource_link":
            folder = block.get("description") == "Directory"
            entry = {"name": str(block.get("name", "")), "type": "directory" if folder else "file"}
            if "size" in block:
                entry["size"] = block["size"]
            found.append(entry)
    return sorted(found, key=lambda entry: entry["name"])


def file_contents(result: Result) -> list[bytes]:
    """The files of a readFiles result in the order of its blocks.

    The service gives binary files as `blob` and text files as either of `text` and `blob`.
    """
    resources = [block["resource"] for block in result.content if "resource" in block]
    return [
        resource["blob"] if "blob" in resource else resource.get("text", "").encode()
        for resource in resources
    ]
