"""The service's libraries: those that a sandbox has, and the note about those that it lacks."""

from __future__ import annotations

import asyncio
import time
import venv
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from agentcore_emulator.sandbox import SandboxSettings
from agentcore_emulator.sandbox.libraries import (
    FULL_ENVIRONMENT,
    LEFT_OUT,
    LIBRARIES,
    missing_library_note,
)
from local_aws import interpreters
from tests.integration.emulator.sandbox.conftest import Sandboxes
from tests.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.emulator.sandbox.conftest import StartedSandbox

# No libraries: what the kernel and commands need.
PROGRAMS = {"awscli", "ipykernel", "pip"}
NOTE = "Note of the local sandbox: the service has plotly, and this sandbox does not. "
NOT_FOUND = "ModuleNotFoundError: No module named 'plotly'"
FAILING = {
    "an import": "import plotly",
    "a module of it": "import plotly.express as px",
    "in a function": "def draw():\n    from plotly import express\ndraw()",
    "another error": "try:\n    import plotly\nexcept ImportError as e:\n    raise OSError from e",
}


def requirements(name: str) -> list[Requirement]:
    lines = (PROJECT / "requirements" / f"{name}.in").read_text().splitlines()
    texts = [line.partition("#")[0].strip() for line in lines if not line.startswith("-")]
    return [Requirement(text) for text in texts if text]


def test_the_full_set_has_all_libraries_but_those_left_out() -> None:
    names = {wanted.name for name in ("sandbox", "libraries") for wanted in requirements(name)}
    assert names - PROGRAMS == {LIBRARIES[name] for name in LIBRARIES.keys() - LEFT_OUT}


def test_those_who_name_the_full_environment_name_it_alike() -> None:
    assert interpreters.FULL_ENVIRONMENT == FULL_ENVIRONMENT
    for path in ("local/install.py", "Makefile", ".gitignore", "requirements/libraries.in"):
        assert FULL_ENVIRONMENT in (PROJECT / path).read_text()


@pytest.mark.parametrize("traceback", ["full", "last_line"])
def test_code_that_lacks_a_library_of_the_service_is_told(
    sandboxes: Sandboxes, traceback: str
) -> None:
    result = sandboxes.start(traceback=traceback).python("import plotly")["structuredContent"]
    *_, error, note = result["stderr"].splitlines()
    assert error == NOT_FOUND
    assert note.startswith(NOTE)
    assert "make local LIBRARIES=full" in note
    assert "elsewhere, install it into /" in note
    assert result["exitCode"] == 1


@pytest.mark.parametrize("code", FAILING.values(), ids=FAILING)
def test_code_and_scripts_are_told_wherever_they_import(sandbox: StartedSandbox, code: str) -> None:
    assert NOTE in sandbox.python(code)["structuredContent"]["stderr"].splitlines()[-1]
    sandbox.invoke("writeFiles", content=[{"path": "script.py", "text": code}])
    result = sandbox.command("python script.py")["structuredContent"]
    assert NOTE in result["stderr"].splitlines()[-1]
    assert (result["stdout"], result["exitCode"]) == ("", 1)


def test_a_command_in_the_background_is_told(sandbox: StartedSandbox) -> None:
    start = sandbox.invoke("startCommandExecution", command="python -c 'import plotly'")
    task = start["structuredContent"]["taskId"]
    deadline = time.monotonic() + 30
    result = sandbox.invoke("getTask", taskId=task)["structuredContent"]
    while result["taskStatus"] == "working" and time.monotonic() < deadline:
        sandbox.command("sleep 0.02")
        result = sandbox.invoke("getTask", taskId=task)["structuredContent"]
    assert NOTE in result["stderr"].splitlines()[-1]


UNTOLD = {
    "the service lacks it, too": "import no_such_library",
    "this sandbox has it": "import numpy.no_such_module",
    "another error of the same text": "raise ValueError(\"No module named 'plotly'\")",
}


@pytest.mark.parametrize("code", UNTOLD.values(), ids=UNTOLD)
def test_other_failures_are_not_told(sandbox: StartedSandbox, code: str) -> None:
    result = sandbox.python(code)
    assert result["isError"]
    assert "Note of the local sandbox" not in result["structuredContent"]["stderr"]


def test_programs_that_succeed_see_nothing(sandbox: StartedSandbox) -> None:
    code = (
        "import importlib.util, sys\n"
        "try:\n    import plotly\nexcept ModuleNotFoundError as error:\n"
        "    print(error, error.name, getattr(error, '__notes__', None))\n"
        "print(importlib.util.find_spec('plotly'), sys.excepthook is sys.__excepthook__)"
    )
    expected = "No module named 'plotly' plotly None\nNone True\n"
    sandbox.invoke("writeFiles", content=[{"path": "succeeds.py", "text": code}])
    result = sandbox.command("python succeeds.py")["structuredContent"]
    assert (result["stdout"].replace("\r", ""), result["stderr"]) == (expected, "")
    result = sandbox.python(code)["structuredContent"]
    assert result["stdout"].startswith("No module named 'plotly' plotly None\nNone ")
    assert result["stderr"] == ""
    result = sandbox.command(f'echo "{NOT_FOUND}"')["structuredContent"]
    assert (result["stdout"], result["stderr"]) == (f"{NOT_FOUND}\r\n", "")


def test_the_full_set_says_that_the_large_libraries_are_left_out(sandbox: StartedSandbox) -> None:
    for name in LEFT_OUT:
        stderr = sandbox.python(f"import {name}")["structuredContent"]["stderr"]
        assert f"the service has {name}" in stderr
        assert "LIBRARIES=full leaves it out" in stderr
        assert "sandbox_python" in stderr


def test_the_full_set_is_not_offered_where_it_is_used(tmp_path: Path) -> None:
    """Some libraries have no wheel for every machine."""
    environment = tmp_path / FULL_ENVIRONMENT
    venv.create(environment, symlinks=True)
    settings = SandboxSettings(python=environment / "bin" / "python")
    note = missing_library_note("ModuleNotFoundError: No module named 'z3'", settings)
    assert "the service has z3-solver" in note
    assert "LIBRARIES=full leaves it out" in note


def test_a_traceback_with_colours_is_read() -> None:
    """Python writes them to a terminal from 3.13 on."""
    coloured = "\x1b[1;35mModuleNotFoundError\x1b[0m: \x1b[35mNo module named 'plotly'\x1b[0m\r\n"
    assert missing_library_note(coloured, SandboxSettings()).startswith(NOTE)


def test_another_interpreter_that_lacks_a_library_is_not_told() -> None:
    error = "ModuleNotFoundError: No module named 'numpy'"
    assert missing_library_note(error, SandboxSettings()) == ""


@pytest.fixture(scope="module")
def full(
    loop: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartedSandbox]:
    """Start a sandbox with the full set, which is installed first if it is not there."""
    python = interpreters.find_sandbox_python(None, "full")
    sandboxes = Sandboxes(loop, tmp_path_factory.mktemp("full"))
    yield sandboxes.start(python=python)
    sandboxes.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)  # it installs the libraries
def test_the_full_set_is_installed_and_imports(full: StartedSandbox) -> None:
    elsewhere = {
        wanted.name
        for wanted in requirements("libraries")
        if wanted.marker and not wanted.marker.evaluate()
    }
    imports = [
        name for name, pip in LIBRARIES.items() if name not in LEFT_OUT and pip not in elsewhere
    ]
    result = full.python("".join(f"import {name}\n" for name in imports))["structuredContent"]
    assert (result["exitCode"], result["stdout"]) == (0, ""), result["stderr"]
    assert "LIBRARIES=full leaves it out" in full.python("import torch")["content"][0]["text"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_libraries_run_without_what_the_lock_overrides(full: StartedSandbox) -> None:
    """`requirements/overrides.txt`: moviepy with a newer Pillow, xgboost without NCCL."""
    result = full.python(
        "from moviepy import ColorClip\n"
        "import numpy, os, xgboost\n"
        "clip = ColorClip((64, 48), (255, 0, 0), duration=0.2).resized(0.5)\n"
        "clip.write_videofile('clip.mp4', fps=10, logger=None)\n"
        "model = xgboost.XGBRegressor(n_estimators=2).fit(numpy.eye(4), numpy.arange(4))\n"
        "print(clip.get_frame(0).shape, os.path.getsize('clip.mp4') > 0, model.n_estimators)"
    )
    assert result["structuredContent"]["stdout"] == "(24, 32, 3) True 2", result
