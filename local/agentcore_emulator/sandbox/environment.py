"""The surroundings of a session's programs: folders, a Python environment, and variables."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentcore_emulator.sandbox.settings import SandboxSettings
from agentcore_emulator.sandbox.supervisor.messages import SESSION_VARIABLE

DESCRIBE_PYTHON = """
import json, sys, sysconfig
print(json.dumps({
    "executable": sys._base_executable,
    "prefixes": [sys.prefix, sys.base_prefix],
    "version": "%d.%d" % sys.version_info[:2],
    "packages": sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}),
}))
"""


# A socket's path has at most 103 bytes on macOS, and "/session-xxxxxxxx/1/s-1" comes after it.
LONGEST_SOCKET_PARENT = 75


@dataclass(frozen=True)
class Interpreter:
    """The facts about a Python interpreter that an environment on top of it needs."""

    executable: Path
    prefixes: tuple[Path, ...]
    version: str
    packages: tuple[Path, ...]


@functools.cache
def describe_python(python: Path) -> Interpreter:
    """Ask an interpreter about itself.

    :raises OSError: if it does not run.
    """
    process = subprocess.run(
        [python, "-I", "-c", DESCRIBE_PYTHON], capture_output=True, text=True, check=False
    )
    if process.returncode != 0:
        raise OSError(f"SandboxSettings.python does not run: {python}: {process.stderr.strip()}")
    described = json.loads(process.stdout)
    return Interpreter(
        executable=Path(described["executable"]),
        prefixes=tuple(map(Path, described["prefixes"])),
        version=described["version"],
        packages=tuple(map(Path, described["packages"])),
    )


@dataclass(frozen=True)
class Folders:
    """A session's folders. The file operations reach `work` alone, in which programs start."""

    top: Path
    sockets: Path
    """Not below `top`: the path of a socket must be shorter than about a hundred bytes."""

    home: Path

    @classmethod
    def at(cls, top: Path, *, sockets: Path, settings: SandboxSettings) -> Folders:
        home = top / ("var" if settings.home == "working_directory" else "home")
        return cls(top, sockets, home)

    @property
    def work(self) -> Path:
        return self.top / "var"

    @property
    def temporary(self) -> Path:
        return self.top / "tmp"

    @property
    def python(self) -> Path:
        return self.top / "python"

    @property
    def staging(self) -> Path:
        """Files on their way into `work`. In namespaces, programs cannot write here."""
        return self.top / "staging"

    @property
    def writable(self) -> tuple[Path, ...]:
        folders = (self.work, self.home, self.temporary, self.python, self.sockets)
        return tuple(dict.fromkeys(folders))  # `home` may be `work`

    @classmethod
    def make(cls, top: Path, settings: SandboxSettings) -> Folders:
        """Make the folders, with the entries of a new session. `top` must be empty or not exist."""
        top.mkdir(parents=True, exist_ok=True)
        if any(top.iterdir()):
            raise FileExistsError(f"a session's directory must be empty: {top}")
        top = top.resolve()
        folders = cls.at(top, sockets=make_socket_folder(), settings=settings)
        for folder in (*folders.writable, folders.staging):
            folder.mkdir(exist_ok=True)
        for name in settings.initial_entries:
            entry = folders.work / name
            if name.endswith("/"):
                entry.mkdir()
            else:
                entry.write_text("{}\n")
        return folders

    def remove(self) -> None:
        """Remove the folders, if no program has run in them yet."""
        for folder in (self.top, self.sockets):
            shutil.rmtree(folder, ignore_errors=True)


def make_socket_folder() -> Path:
    """Make a folder in the folder for temporary files, or in /tmp if that path is too long."""
    usual = Path(tempfile.gettempdir()).resolve()
    # mkdtemp makes a folder of this user's own in it.
    short = usual if len(bytes(usual)) <= LONGEST_SOCKET_PARENT else Path("/tmp")  # noqa: S108 - mkdtemp makes a private folder in it
    return Path(tempfile.mkdtemp(prefix="session-", dir=short)).resolve()


def make_python(folders: Folders, settings: SandboxSettings) -> None:
    """Make the session's own virtual environment, in front of the shared packages.

    Packages that a program installs land here: the kernel finds them, other sessions do not. The
    environment is a few links and small files.
    """
    interpreter = describe_python(settings.python)
    programs = folders.python / "bin"
    packages = folders.python / "lib" / f"python{interpreter.version}" / "site-packages"
    programs.mkdir()
    packages.mkdir(parents=True)
    home = interpreter.executable.parent
    (folders.python / "pyvenv.cfg").write_text(
        f"home = {home}\ninclude-system-site-packages = false\nversion = {interpreter.version}\n"
    )
    (packages / "shared.pth").write_text(
        "".join(f"import site; site.addsitedir({str(path)!r})\n" for path in interpreter.packages)
    )
    for name in ("python", "python3", f"python{interpreter.version}"):
        (programs / name).symlink_to(interpreter.executable)
    for name in ("pip", "pip3"):
        write_script(programs / name, f'"{programs}/python" -m pip')
    if any((path / "awscli").is_dir() for path in interpreter.packages):
        write_script(programs / "aws", f'"{programs}/python" -m awscli')
    link_javascript(programs, settings)


def link_javascript(programs: Path, settings: SandboxSettings) -> None:
    """Link the programs; their folder in PATH would add programs of the emulator's."""
    if settings.deno:
        (programs / "deno").symlink_to(settings.deno.resolve())
    if settings.node:
        node = settings.node.resolve()
        (programs / "node").symlink_to(node)
        npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin"
        for name in ("npm", "npx"):
            if (script := npm / f"{name}-cli.js").exists():
                write_script(programs / name, f'"{programs}/node" "{script}"')


def write_script(path: Path, command: str) -> None:
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)


def variables(folders: Folders, settings: SandboxSettings) -> Mapping[str, str]:
    """Return all environment variables of the session's programs."""
    return {
        **settings.environment,
        SESSION_VARIABLE: str(folders.top),
        "PATH": f"{folders.python / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folders.home),
        "TMPDIR": str(folders.temporary),
        "USER": "genesis1ptools",  # as in the service
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "MPLCONFIGDIR": str(folders.home / ".config" / "matplotlib"),
        "IPYTHONDIR": str(folders.home / ".ipython"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "NPM_CONFIG_PREFIX": str(folders.home / ".npm-global"),
        "DENO_DIR": str(folders.home / ".cache" / "deno"),
        "DENO_NO_UPDATE_CHECK": "1",
    }
