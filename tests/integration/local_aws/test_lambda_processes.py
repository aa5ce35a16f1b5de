"""The template that forks the processes of Python functions takes whatever it is sent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from local_aws.ministack_patches.lambda_processes import LambdaProcesses

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")


@pytest.fixture
def processes() -> Iterator[LambdaProcesses]:
    from local_aws.ministack_patches.lambda_processes import LambdaProcesses  # imports MiniStack

    processes = LambdaProcesses(Path(sys.executable))
    yield processes
    for template in processes._templates.values():
        template._connection.close()
        template._process.wait(20)


def size_of_environment(processes: LambdaProcesses, folder: Path, variables: dict[str, str]) -> int:
    """Return the size of the values that a process finds in its environment."""
    program = folder / "program.py"
    program.write_text("import os; print(sum(map(len, os.environ.values())), flush=True)")
    process = processes.Popen(
        [sys.executable, str(program)],
        cwd=str(folder),
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process.stdin, process.stdout, process.stderr:
        return int(process.stdout.readline())


def test_a_process_finds_its_whole_environment(processes: LambdaProcesses, tmp_path: Path) -> None:
    assert size_of_environment(processes, tmp_path, {"A": "line\nline"}) == 9
    for size in (40_000, 150_000):
        assert size_of_environment(processes, tmp_path, {"LARGE": "x" * size}) == size


def test_an_environment_that_is_too_large_is_refused_and_the_next_one_is_not(
    processes: LambdaProcesses, tmp_path: Path
) -> None:
    size_of_environment(processes, tmp_path, {})
    descriptors = open_descriptors()
    with pytest.raises(OSError, match="too long"):
        size_of_environment(processes, tmp_path, {"LARGE": "x" * 10_000_000})
    assert open_descriptors() == descriptors
    assert size_of_environment(processes, tmp_path, {"A": "1"}) == 1


FORK_FAILS_ONCE = """
import os
fork = os.fork
def fail():
    os.fork = fork
    raise BlockingIOError
os.fork = fail
"""


def test_functions_run_on_when_another_one_cannot_start(
    processes: LambdaProcesses, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(FORK_FAILS_ONCE)
    variables = {"PYTHONPATH": str(tmp_path)}
    with pytest.raises(OSError, match="no process or memory is left"):
        size_of_environment(processes, tmp_path, variables)
    template = processes._template(variables)
    assert size_of_environment(processes, tmp_path, variables) == len(str(tmp_path))
    assert processes._template(variables) is template


def test_a_module_is_compiled_once_for_all_folders_and_shows_its_own(
    processes: LambdaProcesses, tmp_path: Path
) -> None:
    def run(folder: str, module: str) -> list[str]:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "module.py").write_text(module)
        program = tmp_path / folder / "program.py"
        program.write_text("from module import Class; print(*Class().method(), flush=True)")
        process = processes.Popen(
            [sys.executable, str(program)], cwd=str(tmp_path / folder), env={}, text=True
        )
        with process.stdin, process.stdout, process.stderr:
            found: list[str] = process.stdout.readline().split()
        assert {file.name for file in (tmp_path / folder).iterdir()} == {"module.py", "program.py"}
        return found

    module = "class Class:\n def method(self):\n  return 'one', self.method.__code__.co_filename"
    assert run("first", module) == ["one", str(tmp_path / "first" / "module.py")]
    [compiled] = processes._template({}).compiled.iterdir()
    written_at = compiled.stat().st_mtime_ns
    assert run("second", module) == ["one", str(tmp_path / "second" / "module.py")]
    assert list(processes._template({}).compiled.iterdir()) == [compiled]
    assert compiled.stat().st_mtime_ns == written_at
    assert run("third", module.replace("one", "two"))[0] == "two"


def test_an_ended_process_is_told_from_another_one_with_its_id() -> None:
    """A process that nobody has waited for has an id as another one would have it."""
    from local_aws.ministack_patches.lambda_processes import ForkedProcess

    streams = [fd for _ in range(3) for fd in os.pipe()]
    for stream in streams[3:]:
        os.close(stream)
    with subprocess.Popen(["sleep", "30"]) as started:
        process = ForkedProcess(started.pid, streams[:3])
        with process.stdin, process.stdout, process.stderr:
            assert process.poll() is None
            process.terminate()
            process.wait(10)
            assert process.poll() == -1
            process.kill()


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))
