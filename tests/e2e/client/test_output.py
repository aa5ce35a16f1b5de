"""The output of programs of the deployed function, while they run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from code_interpreter_client import CodeFailed

if TYPE_CHECKING:
    from code_interpreter_client import Session


class Received:
    """The output that has come."""

    def __init__(self) -> None:
        self.pieces: list[tuple[str, str]] = []
        self._changed = threading.Condition()

    def __call__(self, stream: str, text: str) -> None:
        with self._changed:
            self.pieces.append((stream, text))
            self._changed.notify_all()

    def wait_for(self, text: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.text(), timeout=60), self.pieces

    def text(self, *streams: str) -> str:
        return "".join(text for stream, text in self.pieces if not streams or stream in streams)


def test_output_comes_while_a_program_runs_and_the_rest_with_its_result(
    shared_session: Session,
) -> None:
    received = Received()
    program = shared_session.submit(
        "import os, sys, time\nprint('begun')\nprint('warned', file=sys.stderr)\ndisplay(1)\n"
        "while not os.path.exists('go'): time.sleep(0.02)\n"
        "os.system('echo child')\nprint('ended')\n40 + 2",
        on_output=received,
    )
    received.wait_for("1\n")
    assert program.is_running
    assert received.pieces[:3] == [
        ("stdout", "begun\n"),
        ("stderr", "warned\n"),
        ("display", "1\n"),
    ]
    shared_session.write("go", "")
    assert program.result().stdout == "begun\n1\nchild\nended\n42"
    assert received.text("stdout", "display") == "begun\n1\nchild\nended\n42"
    assert received.text("stderr") == "warned\n"
    assert received.pieces[-1] == ("display", "42")


def test_a_quick_programs_output_comes_from_its_result(shared_session: Session) -> None:
    received = Received()
    shared_session.run("print('quick'); 40 + 2", on_output=received)
    assert received.pieces == [("stdout", "quick\n"), ("display", "42")]


def test_a_program_that_fails_or_is_interrupted_delivers_all(shared_session: Session) -> None:
    received = Received()
    program = shared_session.submit(
        "print('begun'); import time; time.sleep(60)", on_output=received
    )
    received.wait_for("begun")
    assert program.interrupt()
    with pytest.raises(CodeFailed):
        program.result()
    assert received.text("stdout") == "begun\n"
    assert "KeyboardInterrupt" in received.text("traceback")


def test_other_languages_deliver_their_output_at_the_end(shared_session: Session) -> None:
    received = Received()
    shared_session.run("console.log('from deno')", language="javascript", on_output=received)
    assert received.text("stdout").strip() == "from deno"
