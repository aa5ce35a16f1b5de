"""The installation: its pins, and its messages for users when it fails."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.project import PROJECT

LOCKS = [
    PROJECT / "requirements" / f"{name}.txt"
    for name in ("tools", "lambda", "sandbox", "libraries", "uv")
]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the installer, with an empty folder as the project."""
    spec = importlib.util.spec_from_file_location("install", PROJECT / "local" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("ROOT", "CACHE"):
        monkeypatch.setattr(module, name, tmp_path)
    monkeypatch.setattr(module, "LOG", tmp_path / "install.log")
    return module


def test_an_old_python_is_reported_with_the_remedy(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install.sys, "version_info", (3, 9, 1))
    with pytest.raises(install.InstallError, match=r"Python 3.9 is too old.*make PYTHON="):
        install.check_python()


def test_a_full_disk_is_reported_before_the_installation(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
    with pytest.raises(install.InstallError, match=r"0.9 GB are free.*needs up to 3 GB"):
        install.install_unless_current(tmp_path / "venv", [], lambda: pytest.fail("it installed"))


def test_the_libraries_are_installed_once_and_alone(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "libraries.txt").write_text("a==1")
    runs: list[tuple[str, str]] = []
    monkeypatch.setattr(install.sys, "argv", ["install.py", "--libraries"])
    monkeypatch.setattr(install, "install_python", lambda *arguments: runs.append(arguments))
    for _ in range(2):
        install.main()
    assert runs == [(".venv-libraries", "requirements/libraries.txt")]


def test_the_libraries_ask_for_more_space(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "libraries.txt").write_text("a==1")
    monkeypatch.setattr(install.sys, "argv", ["install.py", "--libraries"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4 * 1024**3))
    with pytest.raises(install.InstallError, match=r"4.0 GB are free.*needs up to 5 GB"):
        install.main()


def test_an_interrupted_install_is_repeated(install: ModuleType, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text("a")
    runs = []

    def interrupted() -> None:
        runs.append("interrupted")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install.install_unless_current(tmp_path / "venv", [lock], interrupted)
    for _ in range(2):
        install.install_unless_current(tmp_path / "venv", [lock], lambda: runs.append("finished"))
    assert runs == ["interrupted", "finished"]


def test_a_changed_lock_file_is_installed_again(install: ModuleType, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    runs = []
    for content in ("a", "b", "b"):
        lock.write_text(content)
        install.install_unless_current(
            tmp_path / "venv", [lock], lambda text=content: runs.append(text)
        )
    assert runs == ["a", "b"]


def test_a_moved_folder_is_installed_again(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []
    for folder in ("here", "there", "there"):
        (tmp_path / folder).mkdir(exist_ok=True)
        monkeypatch.setattr(install, "ROOT", tmp_path / folder)
        install.install_unless_current(
            tmp_path / "venv", [], lambda where=folder: runs.append(where)
        )
    assert runs == ["here", "there"]


@pytest.mark.parametrize("name", ["node", "npm", "npx"])
def test_node_npm_and_npx_run(name: str) -> None:
    program = PROJECT / ".venv" / "bin" / name
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"v?\d+\.\d+\.\d+\n", done.stdout)


def test_a_failed_command_is_reported_in_one_line(install: ModuleType, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('first'); print('the reason'); raise SystemExit(2)"]
    with pytest.raises(install.InstallError) as failure:
        install.run(command)
    assert str(failure.value).startswith("installing failed: the reason. Check the network")
    assert "\n" not in str(failure.value)
    assert "first" in (tmp_path / "install.log").read_text()


def test_make_reports_a_missing_python() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "PYTHON=no-such-python", "install"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.startswith("error: no Python found: install Python 3.11 or newer")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_python_locks_are_exact_and_name_no_address(lock: Path) -> None:
    text = lock.read_text()
    packages = re.findall(r"^[a-z0-9][^ ]*", text, re.MULTILINE)
    assert packages
    assert all("==" in package for package in packages)
    for block in re.split(r"\n(?=[a-z0-9])", text):
        assert "--hash=sha256:" in block
    assert "://" not in text
    assert "index" not in text


def test_node_packages_are_exact_and_name_no_address() -> None:
    versions = json.loads((PROJECT / "package.json").read_text())["devDependencies"]
    assert versions["aws-cdk"].startswith("2.")
    lock = (PROJECT / "package-lock.json").read_text()
    packages = json.loads(lock)["packages"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in versions} == versions
    assert "://" not in lock
    assert "resolved" not in lock
