"""Sessions of the deployed function, as a user of the client has them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from code_interpreter_client import (
    CodeFailed,
    CodeInterpreter,
    FunctionUnavailable,
    InvalidRequest,
    NotFound,
    NotStarted,
    TimedOut,
)
from tests.e2e.client.display import SHOW_FIGURE, TABLE
from tests.e2e.client.terminal import wait_for_file
from tests.project import PROJECT

if TYPE_CHECKING:
    from code_interpreter_client import Session

README = PROJECT / "README.md"
PNG = b"\x89PNG\r\n\x1a\n"


def test_a_result_has_text_a_table_and_a_figure(shared_session: Session, tmp_path: Path) -> None:
    result = shared_session.run(f"{SHOW_FIGURE}\nprint('drawn')\n{TABLE}")
    assert result.ok
    assert result.stdout.splitlines()[-2:] == ["drawn", "a table"]
    plot, table = result.results
    assert "<table" in table["text/html"]
    assert "image/png" in plot
    [figure] = result.figures
    assert figure.save(tmp_path) == tmp_path / "figure-1.png"
    assert (tmp_path / "figure-1.png").read_bytes().startswith(PNG)
    bundle = result._repr_mimebundle_()
    assert result.printed == "drawn"
    assert bundle["text/plain"].count("drawn") == bundle["text/plain"].count("a table") == 1
    assert "<table" in bundle["text/html"]
    assert '<img src="data:image/png;base64,' in bundle["text/html"]


def test_the_program_of_the_readme_gives_a_table_and_a_figure(
    interpreter: CodeInterpreter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [program] = [
        block
        for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
        if "from code_interpreter_client" in block
    ]
    monkeypatch.chdir(tmp_path)
    before = {sandbox.session_id for sandbox in interpreter.sandboxes()}
    Path("sales.csv").write_text("month,revenue\nJan,1200\nFeb,1350\n")
    variables: dict[str, Any] = {}
    exec(program, variables)
    assert Path("chart.png").read_bytes().startswith(PNG)
    table, plot = variables["result"].results
    assert "<table" in table["text/html"]
    assert "Feb" in table["text/plain"]
    assert "image/png" in plot
    assert {sandbox.session_id for sandbox in interpreter.sandboxes()} <= before


def test_variables_last_and_files_that_changed_are_told(shared_session: Session) -> None:
    shared_session.run("x = 41")
    result = shared_session.run("open('x.txt', 'w').write(str(x + 1)); x + 1")
    assert str(result.results[-1]) == "42"
    assert result.files_changed.created == ("x.txt",)
    assert shared_session.read("x.txt") == b"42"


def test_a_program_that_fails_is_an_exception_with_the_programs_own(
    shared_session: Session,
) -> None:
    with pytest.raises(CodeFailed, match="ZeroDivisionError") as caught:
        shared_session.run("print('before')\n1 / 0")
    assert caught.value.exception is not None
    assert (caught.value.exception.type, caught.value.exception.line) == ("ZeroDivisionError", 2)
    assert (caught.value.result.stdout, caught.value.result.exit_code) == ("before", 1)
    result = shared_session.run("1 / 0", check=False)
    assert (result.ok, result.exit_code) == (False, 1)


def test_a_time_limit_keeps_what_was_printed_and_the_variables(shared_session: Session) -> None:
    with pytest.raises(TimedOut) as caught:
        shared_session.run("import time; x = 1; print('begun'); time.sleep(60)", timeout=1)
    assert caught.value.result.stdout == "begun"
    assert str(shared_session.run("x").results[0]) == "1"


def test_a_running_program_can_be_interrupted(shared_session: Session) -> None:
    program = shared_session.submit("import time; print('begun'); time.sleep(60)")
    with pytest.raises(TimeoutError):
        program.result(timeout=0.1)
    assert program.interrupt()
    with pytest.raises(CodeFailed, match="interrupted") as caught:
        program.result()
    assert caught.value.result.stdout in ("begun", "")
    assert not program.is_running
    assert not program.interrupt()


def test_a_result_is_there_once_more_by_its_key(shared_session: Session) -> None:
    program = shared_session.submit("open('once.txt', 'a').write('x'); print('ran')")
    first = program.result()
    again = shared_session.run(
        "open('once.txt', 'a').write('x'); print('ran')", key=program.idempotency_key
    )
    assert (again.stdout, again.response["replayed"]) == (first.stdout, True)
    assert shared_session.read("once.txt") == b"x"
    with pytest.raises(InvalidRequest, match="belongs to an earlier request"):
        shared_session.run("print('other')", key=program.idempotency_key)


def test_commands(shared_session: Session) -> None:
    result = shared_session.command("echo $NAME; pwd", cwd="/tmp", env={"NAME": "ann"})
    assert result.stdout.split() == ["ann", "/tmp"]
    with pytest.raises(CodeFailed) as caught:
        shared_session.command("echo no; exit 3")
    assert caught.value.result.exit_code == 3


def test_a_running_command_can_be_interrupted(shared_session: Session) -> None:
    command = shared_session.submit_command("echo begun; touch begun; sleep 60; echo late")
    wait_for_file(shared_session, "begun")
    assert command.interrupt()
    with pytest.raises(CodeFailed) as caught:
        command.result()
    assert caught.value.result.stderr.splitlines() == ["begun"]
    assert not command.interrupt()


def test_commands_in_the_background(session: Session) -> None:
    result = session.background("sleep 0.2; echo done").wait()
    assert result.stdout.strip() == "done"
    with pytest.raises(CodeFailed, match="exit code 3"):
        session.background("exit 3").wait()
    task = session.background("sleep 60")
    with pytest.raises(TimeoutError):
        task.wait(timeout=0)
    task.stop()
    assert task.status() == "canceled"
    session.stop()
    with pytest.raises(NotFound):
        task.wait()


def test_files_of_the_sandbox_and_of_the_workspace(session: Session, tmp_path: Path) -> None:
    body = bytes(range(256))
    session.write("folder/a.bin", body)
    session.write("b.txt", "Grüße")
    assert session.read("folder/a.bin") == body
    assert session.read("b.txt").decode() == "Grüße"
    assert [entry.name for entry in session.list("folder")] == ["folder/a.bin"]
    assert {"folder": True, "b.txt": False}.items() <= {
        entry.name: entry.is_folder for entry in session.list()
    }.items()
    assert session.push("folder/a.bin", "b.txt").files == (
        "code-interpreter/folder/a.bin",
        "code-interpreter/b.txt",
    )
    session.remove("b.txt")
    with pytest.raises(NotFound):
        session.read("b.txt")
    session.pull("code-interpreter/b.txt")
    assert session.read("b.txt").decode() == "Grüße"
    assert {file.path: file.size for file in session.ls("code-interpreter")} == {
        "code-interpreter/folder/a.bin": 256,
        "code-interpreter/b.txt": 7,
    }
    assert session.download("b.txt", tmp_path) == tmp_path / "b.txt"
    assert (tmp_path / "b.txt").read_text() == "Grüße"
    assert session.delete("b.txt").files == ("code-interpreter/b.txt",)
    with pytest.raises(NotFound):
        session.download("b.txt", tmp_path / "none.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.txt"]


# Each file that is transferred at the same time is an instance of the function.
@pytest.mark.parametrize("count", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_a_folder_is_uploaded_with_its_paths(
    shared_session: Session, tmp_path: Path, count: int
) -> None:
    for number in range(count):
        file = tmp_path / f"f{number % 3}" / f"{number}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text(str(number))
    (tmp_path / "empty.txt").write_bytes(b"")
    uploaded = shared_session.upload_folder(tmp_path, "data")
    assert len(uploaded) == count + 1
    assert "uploads/data/f2/2.txt" in uploaded
    found = shared_session.command("find data -type f | wc -l; cat data/f1/4.txt").stdout
    assert found.split() == [str(count + 1), "4"]


def test_a_response_that_lambda_cannot_carry_comes_whole(shared_session: Session) -> None:
    result = shared_session.command("head -c 6500000 /dev/zero | tr '\\0' x")
    assert len(result.stdout) == 6_500_000


def test_setup_and_environment_reach_every_sandbox(interpreter: CodeInterpreter) -> None:
    with interpreter.session(setup="echo ready > setup.txt", env={"REGION": "EU"}) as session:
        assert session.command("cat setup.txt; echo $REGION").stdout.split() == ["ready", "EU"]


def test_leaving_with_stops_an_unnamed_session_only(interpreter: CodeInterpreter) -> None:
    with interpreter.session() as unnamed, interpreter.session("kept") as named:
        unnamed.run("1")
        named.run("1")
    running = [sandbox.session for sandbox in interpreter.sandboxes()]
    assert unnamed.name not in running
    assert "kept" in running
    assert named.stop()
    assert not named.stop()


def test_a_program_without_a_session_leaves_no_sandbox(interpreter: CodeInterpreter) -> None:
    before = len(list(interpreter.sandboxes()))
    assert interpreter.run("print(6 * 7)").stdout == "42"
    assert len(list(interpreter.sandboxes())) == before


def test_a_program_that_waits_too_long_has_not_started(shared_session: Session) -> None:
    program = shared_session.submit("import time; open('busy', 'w').close(); time.sleep(60)")
    wait_for_file(shared_session, "busy")
    with pytest.raises(NotStarted):
        shared_session.run("print(1)", timeout=1)
    assert program.interrupt()
    with pytest.raises(CodeFailed):
        program.result()


def test_a_stack_or_function_that_does_not_exist(interpreter: CodeInterpreter) -> None:
    with pytest.raises(FunctionUnavailable, match="there is no stack None_ in us-east-1") as stack:
        CodeInterpreter.from_stack("None_")
    assert stack.value.problem == "no_stack"
    with pytest.raises(FunctionUnavailable, match="check the name and the region") as function:
        CodeInterpreter.from_function("none").run("1")
    assert function.value.problem == "no_function"
    with pytest.raises(InvalidRequest, match="1 to 64 letters"):
        interpreter.session("not valid").run("1")
