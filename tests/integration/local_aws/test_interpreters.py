"""The Python environments of the local AWS."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from local_aws import LocalAws, LocalAwsError, interpreters
from local_aws.interpreters import find_sandbox_python

if TYPE_CHECKING:
    from pathlib import Path


def checkout(folder: Path, installer: str) -> Path:
    """Make a checkout with another installer."""
    (folder / "requirements").mkdir()
    (folder / "requirements" / "libraries.txt").touch()
    (folder / "local").mkdir()
    (folder / "local" / "install.py").write_text(installer)
    return folder


def test_the_basic_libraries_leave_the_interpreter_as_it_is(tmp_path: Path) -> None:
    assert find_sandbox_python(None, "basic") is None
    assert find_sandbox_python(tmp_path / "python", "basic") == tmp_path / "python"


def test_a_checkout_installs_the_full_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    installer = "import sys; print('setup: installing', *sys.argv[1:])"
    monkeypatch.setattr(interpreters, "CHECKOUT", checkout(tmp_path, installer))
    python = find_sandbox_python(None, "full")
    assert python == tmp_path / ".venv-libraries" / "bin" / "python"
    # Standard output has the variables to export.
    assert capfd.readouterr() == ("", "setup: installing --libraries\n")


def test_an_installation_that_fails_is_reported_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer = "import sys; sys.exit('error: 0.9 GB are free')"
    monkeypatch.setattr(interpreters, "CHECKOUT", checkout(tmp_path, installer))
    with pytest.raises(LocalAwsError, match=r"^0\.9 GB are free$"):
        LocalAws(libraries="full").start()


def test_without_a_checkout_the_environment_beside_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreters, "CHECKOUT", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    beside = tmp_path / ".venv-libraries" / "bin" / "python"
    with pytest.raises(LocalAwsError, match=r"there is no .*only a checkout.*pass sandbox_python"):
        find_sandbox_python(None, "full")
    beside.parent.mkdir(parents=True)
    beside.touch()
    assert find_sandbox_python(None, "full") == beside


def test_a_wrong_set_of_libraries_is_refused() -> None:
    with pytest.raises(LocalAwsError, match="libraries is 'all', but it must be 'basic' or 'full'"):
        LocalAws(libraries="all").start()  # type: ignore[arg-type]  # the mistake


def test_the_full_libraries_and_an_interpreter_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalAwsError, match="leave one of them out"):
        LocalAws(libraries="full", sandbox_python=tmp_path / "python").start()
