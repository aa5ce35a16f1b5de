"""The shell, in a pseudo-terminal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from code_interpreter_client import CodeInterpreter
from tests.e2e.client.display import SHOW_FIGURE
from tests.e2e.client.terminal import COMMAND, CTRL_C, CTRL_D, TAB, Terminal, wait_for_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.client.conftest import CommandLine
    from tests.e2e.client.forks import Forks

FORKED = (
    "code_interpreter_client.cli.app",
    "code_interpreter_client.cli.shell.completion",
    "code_interpreter_client.cli.shell.prompt",
)
# A prompt that waits; what is typed there stands in the same line.
PROMPT = r"\n>>>"


class Shell(Terminal):
    """The shell of a session."""

    def __init__(
        self,
        session: str | None,
        *,
        environment: dict[str, str],
        folder: Path,
        forks: Forks,
    ) -> None:
        self.folder = folder
        options = () if session is None else ("--session", session)
        super().__init__(
            *COMMAND,
            *options,
            "shell",
            environment=environment,
            folder=folder,
            forks=forks,
        )
        self.expect(PROMPT)

    def run(self, program: str) -> str:
        """Enter a program, and return all that is shown up to the next prompt."""
        self.enter(program)
        return self.expect(PROMPT)


@pytest.fixture(scope="module")
def shell(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory, forks: Forks
) -> Iterator[Shell]:
    """Return a shell in which tests go on after one another, each at a prompt."""
    folder = tmp_path_factory.mktemp("shell")
    with Shell("cli-shell", environment=environment, folder=folder, forks=forks) as shell:
        yield shell


@pytest.fixture
def own_shell(environment: dict[str, str], tmp_path: Path, forks: Forks) -> Iterator[Shell]:
    """Return a shell for keys after which it may show its prompt more than once."""
    with Shell("cli-shell", environment=environment, folder=tmp_path, forks=forks) as shell:
        yield shell


def test_programs_share_variables(shell: Shell) -> None:
    shell.run("kept = 20")
    assert "\n21\r\n" in shell.run("kept + 1")
    assert "ZeroDivisionError" in shell.run("1/0")
    assert "error: " not in shell.shown
    assert "\n20\r\n" in shell.run("kept")


def test_a_block_ends_at_an_empty_line(shell: Shell) -> None:
    shell.enter("for number in range(2):")
    shell.enter("print('number', number)")  # indented by the shell
    assert re.search(r"\nnumber 0\r\nnumber 1\r\n", shell.run(""))


def test_a_pasted_block_is_one_program(shell: Shell) -> None:
    block = "def double(n):\n    m = n\n\n    return 2 * m\n\nprint('result', double(21))"
    shell.type(f"\x1b[200~{block}\x1b[201~")
    assert "\nresult 42\r\n" in shell.run("")


def test_ctrl_c_ends_the_program_and_not_the_shell(
    own_shell: Shell, interpreter: CodeInterpreter
) -> None:
    session = interpreter.session("cli-shell")
    programs = ("open('begun1', 'w'); import time; time.sleep(100)", "!touch begun2; sleep 100")
    for number, program in enumerate(programs, start=1):
        own_shell.enter(program)
        wait_for_file(session, f"begun{number}")
        own_shell.type(CTRL_C)
        own_shell.expect(PROMPT)
    assert "\n42\r\n" in own_shell.run("6 * 7")
    # At the prompt it clears the line.
    own_shell.type("1/0" + CTRL_C)
    own_shell.expect(PROMPT)
    assert "ZeroDivisionError" not in own_shell.run("pass")


def test_output_comes_while_the_program_runs(own_shell: Shell) -> None:
    own_shell.enter("print('be' 'gun'); import time; time.sleep(1000)")
    own_shell.expect("begun")
    own_shell.type(CTRL_C)
    own_shell.expect("KeyboardInterrupt")
    own_shell.expect(PROMPT)
    assert own_shell.shown.count("begun") == 1


def test_tab_completes_names_of_the_session_and_leaves_no_trace(own_shell: Shell) -> None:
    own_shell.run("unusual_name = 5; before = set(globals())")
    own_shell.type("unus" + TAB)
    own_shell.expect("ual_name")
    assert "\n6\r\n" in own_shell.run(" + 1")
    own_shell.type("unusual_name.as_int" + TAB)
    own_shell.expect("eger_ratio")
    assert "(5, 1)" in own_shell.run("()")
    assert "\n{'before'}\r\n" in own_shell.run(
        "{n for n in set(globals()) - before if not n.startswith('_')}"
    )
    own_shell.type("%upl" + TAB)
    own_shell.expect("oad")
    own_shell.run("")


def test_figures_are_saved_under_new_names(
    environment: dict[str, str], tmp_path: Path, forks: Forks
) -> None:
    (tmp_path / "figure-1.png").write_text("mine")
    variables = {**environment, "KITTY_WINDOW_ID": "1"}
    with Shell("cli-shell", environment=variables, folder=tmp_path, forks=forks) as shell:
        assert "note: saved figure-2.png" in shell.run(SHOW_FIGURE)
        assert "\x1b_Ga=T,f=100,m=1;iVBOR" in shell.raw
    assert (tmp_path / "figure-1.png").read_text() == "mine"
    assert (tmp_path / "figure-2.png").read_bytes().startswith(b"\x89PNG")


def test_files_move_by_commands_of_the_shell(shell: Shell) -> None:
    (shell.folder / "in.txt").write_text("content")
    (shell.folder / "program.py").write_text("print('program', open('in.txt').read())")
    assert "uploaded uploads/in.txt" in shell.run("%upload in.txt")
    assert "\nprogram content\r\n" in shell.run("%run program.py")
    assert "\nfrom bash\r\n" in shell.run("!echo from bash; echo saved > out.txt")
    assert "out.txt" in shell.run("%ls")
    assert "note: wrote out.txt" in shell.run("%save out.txt")
    assert (shell.folder / "out.txt").read_text() == "saved\n"
    assert "code-interpreter/out.txt" in shell.run("%files")
    assert "note: wrote copy.txt" in shell.run("%download uploads/in.txt copy.txt")
    assert (shell.folder / "copy.txt").read_text() == "content"
    assert "error: usage: %upload FILE [NAME]" in shell.run("%upload")
    assert "error: nope.py: No such file" in shell.run("%run nope.py")
    assert "%restart" in shell.run("%help")
    # Other magics are those of IPython in the sandbox.
    assert "1 loop each" in shell.run("%timeit -n1 -r1 pass")


def test_a_restart_loses_the_variables(shell: Shell) -> None:
    shell.run("kept = 20")
    assert "the sandbox is stopped" in shell.run("%restart")
    assert "NameError" in shell.run("kept")


def test_a_named_session_is_kept_and_an_unnamed_one_is_stopped(
    environment: dict[str, str], interpreter: CodeInterpreter, tmp_path: Path, forks: Forks
) -> None:
    with Shell("cli-kept", environment=environment, folder=tmp_path, forks=forks) as shell:
        shell.run("kept = 20")
        shell.type(CTRL_D)
        assert shell.wait() == 0
        assert "code-interpreter --session cli-kept shell continues it" in shell.shown
    assert interpreter.session("cli-kept").run("kept").stdout == "20"

    with Shell(None, environment=environment, folder=tmp_path, forks=forks) as shell:
        [name] = re.findall(r"client-\w+", shell.shown)
        shell.run("pass")
        assert name in {sandbox.session for sandbox in interpreter.sandboxes()}
        shell.enter("exit()")
        assert shell.wait() == 0
    assert name not in {sandbox.session for sandbox in interpreter.sandboxes()}


def test_the_history_is_for_its_user_alone(
    environment: dict[str, str], tmp_path: Path, forks: Forks
) -> None:
    history = tmp_path / ".local" / "state" / "code-interpreter" / "history"
    with Shell("cli-shell", environment=environment, folder=tmp_path, forks=forks) as shell:
        shell.run("'first shell'")
    assert history.stat().st_mode & 0o777 == 0o600
    with Shell("cli-shell", environment=environment, folder=tmp_path, forks=forks) as shell:
        shell.type("\x1b[A")  # the arrow up
        shell.expect("'first shell'")
        assert "\n'first shell'\r\n" in shell.run("")


def test_the_shell_needs_a_terminal(code_interpreter: CommandLine) -> None:
    outcome = code_interpreter("shell")
    assert outcome.exit_code == 2
    assert "shell needs a terminal; code-interpreter run -" in outcome.stderr
