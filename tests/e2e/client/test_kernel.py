"""The Jupyter kernel, as Jupyter starts it, in front of the deployed function."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import jupyter_kernel_test
import pytest
from jupyter_client.provisioning import local_provisioner

from code_interpreter_client import CodeInterpreter
from code_interpreter_client.cli.app import main

from .display import SHOW_FIGURE, TABLE
from .notebook import TIMEOUT, Notebook, started, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from code_interpreter_client import Session
    from tests.e2e.client.conftest import CommandLine

    from .cutting_proxy import Cut
    from .forks import Forks

FORKED = (
    "code_interpreter_client.cli.programs",
    "code_interpreter_client.kernel.kernel",
    "ipykernel.debugger",
    "ipykernel.kernelapp",
    "psutil",
)


@pytest.fixture(scope="module", autouse=True)
def kernels(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Install the kernel where Jupyter finds it, and return the folder of its working files."""
    prefix = tmp_path_factory.mktemp("prefix")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setenv("JUPYTER_PATH", str(prefix / "share/jupyter"))
        patch.setenv("IPYTHONDIR", str(prefix / "ipython"))
        install = ("kernel", "install", "--prefix", str(prefix))
        assert main(install) == 0
        assert main(["--session", "named", *install, "--name", "named"]) == 0
        assert main(["--stack", "Missing", *install, "--name", "missing"]) == 0
        yield prefix


class TestKernel(jupyter_kernel_test.KernelTests):
    """Jupyter's own tests of a kernel."""

    kernel_name = "code-interpreter"
    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('hello, world', file=sys.stderr)"
    code_generate_error = "1 / 0"
    code_inspect_sample = "print"
    completion_samples = (
        {"text": "import base6", "matches": ["base64"]},
        {"text": "%upl", "matches": ["%upload"]},
    )
    complete_code_samples = ("1", "print('hello, world')", "def f(x):\n  return x*2\n\n\n")
    incomplete_code_samples = ("print('''hello", "def f(x):\n  x*2")
    invalid_code_samples = ("import = 7q",)
    code_execute_result = (
        {"code": "6 * 7", "result": "42"},
        {"code": TABLE, "mime": "text/html"},
    )
    code_display_data = (
        {"code": SHOW_FIGURE, "mime": "image/png"},
        {"code": "display(1)", "mime": "text/plain"},
    )
    # A description of a name is displayed below the cell; the history is the notebook's.
    test_pager = test_history = test_clear_output = None

    def setUp(self) -> None:
        self.execute_helper("1")  # names are asked for once a cell has run


@contextmanager
def kernels_forked(forks: Forks) -> Iterator[None]:
    """Let Jupyter start kernels that need not import the client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_provisioner, "launch_kernel", forks.launch_kernel)
        yield


@pytest.fixture
def forked(forks: Forks) -> Iterator[None]:
    with kernels_forked(forks):
        yield


@pytest.fixture(scope="module")
def notebook(kernels: Path, forks: Forks) -> Iterator[Notebook]:
    folder = kernels / "work"
    folder.mkdir()
    with kernels_forked(forks), started(cwd=str(folder)) as notebook:
        yield notebook


def sandboxes() -> list[str | None]:
    return [sandbox.session for sandbox in CodeInterpreter.from_stack().sandboxes()]


def test_a_cell_shows_text_values_and_figures_where_they_belong(notebook: Notebook) -> None:
    messages = notebook.run(f"print('printed')\ndisplay('shown')\n{SHOW_FIGURE}\n{TABLE}")
    assert [kind for kind, _ in messages] == [
        "stream",
        "display_data",
        "display_data",
        "execute_result",
    ]
    (_, stream), (_, shown), (_, figure), (_, table) = messages
    assert (stream["name"], stream["text"].strip()) == ("stdout", "printed")
    assert shown["data"] == {"text/plain": "'shown'"}
    assert figure["data"]["image/png"].startswith("iVBOR")
    assert "<table" in table["data"]["text/html"]
    assert table["execution_count"] > 0


def test_output_comes_while_the_cell_runs_and_an_interrupt_keeps_the_variables(
    notebook: Notebook,
) -> None:
    notebook.run("kept = 7")
    number = notebook.begin("import time\nprint('begun')\ntime.sleep(300)")
    messages = notebook.messages(number)
    assert next(messages) == ("stream", {"name": "stdout", "text": "begun\n"})
    notebook.manager.interrupt_kernel()
    [(kind, error)] = messages
    assert (kind, error["ename"]) == ("error", "KeyboardInterrupt")
    assert notebook.text("print(kept)") == "7"


def test_an_error_has_its_name_and_a_coloured_traceback(notebook: Notebook) -> None:
    [(_, stream), (kind, error)] = notebook.run("print('before')\n{}['key']")
    assert (stream["text"].strip(), kind) == ("before", "error")
    assert (error["ename"], error["evalue"]) == ("KeyError", "'key'")
    traceback = "\n".join(error["traceback"])
    assert "\x1b[" in traceback
    assert "Traceback" in traceback


def test_names_are_completed_and_described_and_nothing_is_left_behind(notebook: Notebook) -> None:
    notebook.run("mine_alone = {'a': 1}")
    seen = "print([n for n in sorted(globals()) if n[:2] != '_i'], '|', len(In), '|', _i)"
    names, count, _ = notebook.text(seen).split(" | ")
    completed = notebook.complete("x = mine_al")
    assert completed["matches"] == ["mine_alone"]
    assert (completed["cursor_start"], completed["cursor_end"]) == (4, 11)
    described = notebook.client.inspect("mine_alone", reply=True, timeout=TIMEOUT)["content"]
    assert described["found"]
    assert "dict" in described["data"]["text/plain"]
    unknown = notebook.client.inspect("no_such_name", reply=True, timeout=TIMEOUT)["content"]
    assert (unknown["status"], unknown["found"]) == ("ok", False)
    again = [part.rstrip() for part in notebook.text(seen).split(" | ", 2)]
    assert again == [names, str(int(count) + 1), seen]
    assert notebook.complete("mine_alone.ke")["matches"] == ["keys"]


def test_files_go_up_and_down_by_commands(notebook: Notebook, kernels: Path) -> None:
    (kernels / "work/in.txt").write_text("6 7")
    messages = notebook.run("%upload in.txt\na, b = map(int, open('in.txt').read().split())\na * b")
    assert "uploaded uploads/in.txt" in text_of(messages)
    assert messages[-1][1]["data"]["text/plain"] == "42"
    notebook.run("open('out.txt', 'w').write(str(a * b))")
    assert "out.txt" in notebook.text("%save out.txt\n%files")
    assert (kernels / "work/out.txt").read_text() == "42"
    [(kind, error)] = notebook.run("%upload\nprint('not reached')")
    assert (kind, error["evalue"]) == (
        "error",
        "usage: %upload FILE [NAME] put a file into the workspace and the sandbox",
    )
    [(_, error)] = notebook.run("%upload none.txt")
    assert error["evalue"] == "none.txt: No such file or directory"


@pytest.mark.usefixtures("forked")
def test_a_restart_begins_with_a_new_sandbox_and_a_shutdown_leaves_none() -> None:
    before = set(sandboxes())
    with started() as notebook:
        notebook.run("kept = 7")
        [first] = set(sandboxes()) - before
        notebook.manager.restart_kernel()
        notebook.client.wait_for_ready(timeout=TIMEOUT)
        [(_, error)] = notebook.run("kept")
        assert error["ename"] == "NameError"
        [second] = set(sandboxes()) - before
        assert second != first
    assert set(sandboxes()) == before


@pytest.mark.usefixtures("forked")
def test_a_named_session_is_kept_until_a_restart() -> None:
    with started("named") as notebook:
        notebook.run("kept = 7")
    assert "named" in sandboxes()
    with started("named") as notebook:
        assert notebook.text("print(kept)") == "7"
        notebook.manager.restart_kernel()
        notebook.client.wait_for_ready(timeout=TIMEOUT)
        [(_, error)] = notebook.run("kept")
        assert error["ename"] == "NameError"
    CodeInterpreter.from_stack().session("named").stop()


@pytest.mark.usefixtures("forked")
def test_a_missing_stack_is_an_error_of_the_cell() -> None:
    with started("missing") as notebook:
        for _ in range(2):
            [(kind, error)] = notebook.run("1")
            assert (kind, error["ename"]) == ("error", "FunctionUnavailable")
            assert "there is no stack Missing" in error["evalue"]
        assert notebook.complete("pri")["matches"] == []


# The kernel, whose process has short pauses, too.
QUICK_KERNEL = (
    "import runpy; from code_interpreter_client import function;"
    "function.FIRST_PAUSE, function.MAX_PAUSE = 0.02, 0.2;"
    "runpy.run_module('code_interpreter_client.kernel', run_name='__main__')"
)


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize(
    ("cut", "count"),
    [(11, 6), pytest.param(12, 200, marks=(pytest.mark.slow, pytest.mark.timeout(1_200)))],
    indirect=["cut"],
)
def test_each_cell_runs_once_and_its_results_come(
    session: Session,
    cut: Cut,
    code_interpreter: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    count: int,
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share/jupyter"))
    installed = code_interpreter(
        "--session", session.name, "kernel", "install", "--prefix", str(tmp_path)
    )
    assert installed.exit_code == 0, installed
    file = tmp_path / "share/jupyter/kernels/code-interpreter/kernel.json"
    spec = json.loads(file.read_text())
    spec["argv"] = [sys.executable, "-c", QUICK_KERNEL, "-f", "{connection_file}"]
    file.write_text(json.dumps(spec))
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{cut.proxy.port}")
    with started() as notebook:
        for number in range(count):
            # Some run for long enough that their output is read beside them.
            pause = 2 if number % 20 == 0 else 0
            messages = notebook.run(
                f"open('runs.txt', 'a').write('{number} '); print({number}, flush=True)\n"
                f"import time; time.sleep({pause}); {number} * 2"
            )
            assert text_of(messages).strip() == str(number), messages
            assert messages[-1][1]["data"] == {"text/plain": str(number * 2)}
    assert cut.proxy.cut > count / 3
    assert session.read("runs.txt").split() == [str(number).encode() for number in range(count)]
