"""The surroundings of programs: variables, interpreters, packages."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentcore_emulator.sandbox import SandboxSettings
from agentcore_emulator.sandbox.environment import describe_python

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.emulator.sandbox.conftest import Sandboxes, StartedSandbox


def wheel(name: str, version: str) -> bytes:
    """Build a package with a module, as an index would deliver it."""
    data = BytesIO()
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"version = '{version}'\ndef main(): print('installed', version)\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\nrun-{name} = {name}:main\n",
    }
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in files))
    return data.getvalue()


def fingerprint(folder: Path) -> str:
    """Names, sizes and times of all that is below a folder, but for compiled modules."""
    lines = []
    for directory, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in files:
            found = os.lstat(f"{directory}/{name}")
            lines.append(f"{directory}/{name} {found.st_size} {found.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def test_programs_get_nothing_of_the_emulators_environment(
    sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "PYTHONPATH", "SECRET"):
        monkeypatch.setenv(name, "leaked")
    monkeypatch.setenv("SSL_CERT_FILE", "/certificates.pem")
    monkeypatch.delenv("PIP_CERT", raising=False)
    sandbox = sandboxes.start()
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    by_kernel = json.loads(sandbox.python(show)["structuredContent"]["stdout"])
    by_command = json.loads(sandbox.command(f"python -c '{show}'")["structuredContent"]["stdout"])
    by_node = json.loads(
        sandbox.invoke(
            "executeCode",
            language="javascript",
            runtime="nodejs",
            code="console.log(JSON.stringify(process.env))",
        )["structuredContent"]["stdout"]
    )
    for found in (by_kernel, by_command, by_node):
        assert "leaked" not in found.values()
        assert [name for name in found if name.startswith("AWS_")] == []
        assert found["SSL_CERT_FILE"] == "/certificates.pem"
        assert "PIP_CERT" not in found
        assert found["LANG"] == "C.UTF-8"
        assert found["HOME"].startswith(str(sandbox.directory))
        assert found["TMPDIR"].startswith(str(sandbox.directory))
        assert found["PATH"].startswith(str(sandbox.directory))


@pytest.fixture
def ignored_signals() -> Iterator[None]:
    """Ignore what `nohup`, a shell's background job or a service ignores."""
    numbers = (signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGUSR1, signal.SIGPIPE)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    yield
    for number, action in before.items():
        signal.signal(number, action)


IGNORED = (
    "import signal; "
    "print([n.name for n in signal.valid_signals() if signal.getsignal(n) is signal.SIG_IGN])"
)
PROGRAMS = {
    "python": f"import subprocess; _ = subprocess.run(['python', '-c', {IGNORED!r}])",
    "javascript": f"const program = new Deno.Command('python', {{args: ['-c', '{IGNORED}']}});\n"
    "await Deno.stdout.write((await program.output()).stdout);",
}


@pytest.mark.usefixtures("ignored_signals")
def test_code_and_commands_inherit_no_ignored_signal(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start()
    for language, code in PROGRAMS.items():
        result = sandbox.invoke("executeCode", language=language, code=code)
        # Python itself ignores these two, in every process.
        assert result["structuredContent"]["stdout"] == "['SIGPIPE', 'SIGXFSZ']", language
    for operation in ("executeCommand", "startCommandExecution"):
        show = f"python -c '{IGNORED}'; yes | head -1; echo ${{PIPESTATUS[@]}}"
        sandbox.invoke(operation, command=f"({show}) > {operation}; touch {operation}-ended")
        sandbox.command(f"until test -e {operation}-ended; do sleep 0.01; done")
        written = (sandbox.work / operation).read_text()
        assert written == "['SIGPIPE', 'SIGXFSZ']\ny\n141 0\n", operation


def test_variables_can_be_given(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(environment={"GIVEN": "yes"})
    assert sandbox.command("echo $GIVEN")["structuredContent"]["stdout"] == "yes\r\n"


def test_python_has_data_libraries_and_nothing_of_the_project(sandbox: StartedSandbox) -> None:
    result = sandbox.python(
        "import pandas\n"  # and with it numpy
        "from importlib.util import find_spec\n"
        "print([name for name in ('sklearn', 'agentcore_emulator', 'cdk_code_interpreter',"
        " 'aws_cdk', 'pytest', 'local_aws') if find_spec(name)])"
    )
    assert result["structuredContent"]["stdout"] == "['sklearn']"
    assert sandbox.command("cd && python -c 'import agentcore_emulator'")["isError"] is True


def test_pip_shows_the_libraries(sandbox: StartedSandbox) -> None:
    result = sandbox.command("python --version && pip list | grep -i '^pandas '")
    assert result["isError"] is False
    assert "pandas" in result["structuredContent"]["stdout"]


def test_the_aws_command_exists_if_its_package_does(sandboxes: Sandboxes) -> None:
    version = sandboxes.start().command("aws --version")["structuredContent"]["stdout"]
    assert version.startswith("aws-cli/1.")
    without = sandboxes.start(python=Path(sys.executable))  # the project's own environment
    assert without.command("aws --version")["structuredContent"]["exitCode"] == 127


def test_installing_a_package_alters_no_other_session(sandboxes: Sandboxes) -> None:
    interpreter = describe_python(SandboxSettings().python)
    shared = [interpreter.prefixes[0] / "bin", *interpreter.packages]
    before = [fingerprint(folder) for folder in shared]
    installing, other = sandboxes.start(), sandboxes.start()
    installing.python("1")
    files = [
        {"path": f"{name}-1.0-py3-none-any.whl", "blob": wheel(name, "1.0")}
        for name in ("trivial", "numpy")
    ]
    installing.invoke("writeFiles", content=files)
    install = "python -m pip install --quiet --no-index --no-deps --force-reinstall ./*.whl"
    assert installing.command(install)["isError"] is False
    # The kernel that ran before the installation finds it too.
    assert (
        installing.python("import trivial; trivial.version")["structuredContent"]["stdout"]
        == "'1.0'"
    )
    assert (
        installing.python("import numpy; numpy.version")["structuredContent"]["stdout"] == "'1.0'"
    )
    assert "installed 1.0" in installing.command("run-trivial")["structuredContent"]["stdout"]
    find = "from importlib.util import find_spec; assert find_spec('pandas')"
    uninstall = f'pip uninstall --quiet --yes trivial pandas; python -c "{find}"'
    assert installing.command(uninstall)["isError"] is False
    assert other.python("import trivial")["isError"] is True
    assert other.python("import numpy; numpy.zeros(1)")["isError"] is False
    assert before == [fingerprint(folder) for folder in shared]


def test_javascript_programs_are_on_the_path(sandbox: StartedSandbox) -> None:
    result = sandbox.command("node --version && deno --version && npm --version")
    assert result["isError"] is False


def test_an_interpreter_that_does_not_run_is_refused(sandboxes: Sandboxes, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    broken.chmod(0o755)
    with pytest.raises(OSError, match=r"SandboxSettings\.python does not run"):
        sandboxes.start(python=broken)
    assert not (tmp_path / "session-0").exists()


def test_code_runs_below_a_long_path(
    sandboxes: Sandboxes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's sockets are files, and their paths have a limit of about 100 bytes."""
    folder = tmp_path / ("long" * 20)
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert sandboxes.start().python("print(1 + 1)")["structuredContent"]["stdout"] == "2"


def test_nothing_listens_on_a_port(sandbox: StartedSandbox) -> None:
    """The kernel is reached through sockets of the file system, outside of the user's folder."""
    sandbox.python("1")
    result = sandbox.python(
        "import os, psutil\n"
        "own = psutil.Process()\n"
        "print(own.net_connections('inet'), [c.laddr for c in own.net_connections('unix')"
        " if c.laddr.startswith(os.getcwd())])"
    )
    assert result["structuredContent"]["stdout"] == "[] []"


@pytest.mark.parametrize("home", ["working_directory", "separate"])
def test_the_home_directory_is_a_setting(sandboxes: Sandboxes, home: str) -> None:
    sandbox = sandboxes.start(home=home)
    result = sandbox.command("[ $(cd && pwd -P) = $(pwd -P) ] && echo same || echo other")
    expected = "same" if home == "working_directory" else "other"
    assert result["structuredContent"]["stdout"] == f"{expected}\r\n"


def test_matplotlib_writes_below_the_home_directory(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start()
    sandbox.python("import matplotlib; print(matplotlib.get_configdir())")
    names = {path.name for path in sandbox.work.iterdir()}
    assert {".cache", ".config", ".ipython"} <= names
