"""The output of a program while it runs, with a real kernel behind real HTTP."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.fakes.lambda_context import Context
from tests.integration.invoke.wire import Wire

# A program waits for the test, however busy the machine is.
WAIT = (
    "import os, sys, time\ndef wait(name):\n    while not os.path.exists(name): time.sleep(0.02)\n"
)
# Each reading starts a command in the sandbox, and there is no output in the first second.
READ_PAUSE = 0.8

keys = (f"k{number}" for number in itertools.count())


class Program:
    """A program that runs, and what has been read of its output."""

    def __init__(self, wire: Wire, pool: ThreadPoolExecutor, code: str) -> None:
        """Start the program; its variable GO names a file that `go` makes."""
        self._wire = wire
        self.key = next(keys)
        self._file = f"go-{self.key}"
        event = {
            "tool": "execute_code",
            "session": "s",
            "code": f"GO = {self._file!r}\n{WAIT}{code}",
            "idempotency_key": self.key,
        }
        self.response: Future[Any] = pool.submit(wire.new_function(), event, Context(120))
        self.output: list[dict[str, str]] = []
        self.offset = 0
        self.running = True

    def read(self) -> None:
        part = self._wire.ok(
            "read_output", session="s", idempotency_key=self.key, offset=self.offset
        )
        self.output += part["output"]
        self.offset, self.running = part["next_offset"], part["running"]

    def read_until(self, text: str) -> None:
        give_up_at = time.monotonic() + 60
        while text not in "".join(self.texts()):
            assert time.monotonic() < give_up_at, self.output
            time.sleep(READ_PAUSE)
            self.read()

    def texts(self, *streams: str) -> list[str]:
        return [part["text"] for part in self.output if not streams or part["stream"] in streams]

    def go(self) -> None:
        self._wire.ok("execute_command", session="s", command=f"touch {self._file}")


@pytest.fixture
def pool() -> Any:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def output_files(wire: Wire) -> list[str]:
    listed = wire.ok(
        "execute_command", session="s", command="ls /tmp/code-interpreter-*/*.output || true"
    )
    return [line for line in listed["stdout"].split() if line.endswith(".output")]


def test_output_comes_while_the_program_runs_in_the_order_of_both_streams(
    shared_wire: Wire, pool: ThreadPoolExecutor
) -> None:
    program = Program(
        shared_wire,
        pool,
        "print('one')\nprint('two', file=sys.stderr)\nprint('Grüße', end='')\nwait(GO)\n"
        "print(' end')\n40 + 2",
    )
    program.read_until("Grüße")
    assert program.running
    assert program.output == [
        {"stream": "stdout", "text": "one\n"},
        {"stream": "stderr", "text": "two\n"},
        {"stream": "stdout", "text": "Grüße"},
    ]
    program.go()
    response = program.response.result()
    assert response["stdout"] == "one\nGrüße end\n42"
    # The rest can be read after the end, once.
    program.read()
    assert program.output[3:] == [
        {"stream": "stdout", "text": " end\n"},
        {"stream": "display", "text": "42\n"},
    ]
    assert not program.running
    offset = program.offset
    program.read()
    assert program.offset == offset
    assert len(program.output) == 5


def test_what_is_displayed_is_told_from_what_is_printed(
    shared_wire: Wire, pool: ThreadPoolExecutor
) -> None:
    program = Program(shared_wire, pool, "print('a')\ndisplay({'b': 1})\nprint('c')\nwait(GO)")
    program.read_until("c")
    assert program.output == [
        {"stream": "stdout", "text": "a\n"},
        {"stream": "display", "text": "{'b': 1}\n"},
        {"stream": "stdout", "text": "c\n"},
    ]
    program.go()
    assert program.response.result()["status"] == "ok"


def test_a_quick_program_writes_no_file(wire: Wire) -> None:
    wire.ok("execute_code", session="s", code="print('x' * 1000)", idempotency_key="k")
    part = wire.ok("read_output", session="s", idempotency_key="k")
    assert (part["output"], part["running"], part["next_offset"]) == ([], False, 0)
    assert output_files(wire) == []


def test_the_files_of_the_last_programs_are_kept(wire: Wire) -> None:
    wire.ok("execute_code", session="s", code="import time; time.sleep(1.7)")
    assert len(output_files(wire)) == 1
    for _ in range(10):
        wire.ok("execute_code", session="s", code="1")
    assert output_files(wire) == []


def test_a_large_output_comes_in_parts_up_to_its_bound(
    shared_wire: Wire, pool: ThreadPoolExecutor
) -> None:
    program = Program(shared_wire, pool, "print('x' * 6_000_000)\nprint('last')\nwait(GO)")
    program.read_until("x")
    while sum(map(len, program.texts())) < 2_500_000:
        program.read()
    program.read()
    assert sum(map(len, program.texts())) == 2_500_000
    assert max(map(len, program.texts())) < 1_000_000
    program.go()
    assert "truncated" in program.response.result()


def test_each_program_has_an_output_of_its_own(shared_wire: Wire, pool: ThreadPoolExecutor) -> None:
    first = Program(shared_wire, pool, "print('first')\nwait(GO)")
    first.read_until("first")
    second = Program(shared_wire, pool, "print('second')\nwait(GO)")
    second.read()
    assert second.output == []
    first.go()
    second.read_until("second")
    assert "".join(first.texts()) == "first\n"
    second.go()
    assert second.response.result()["stdout"] == "second"


@pytest.mark.parametrize(
    "code",
    [
        "import threading\nt = threading.Thread(target=lambda: print('seen'))\nt.start(); t.join()",
        "time.monotonic = lambda: 0\ntime.sleep = lambda _: None\nprint('seen')",
        "import logging\nlogging.warning('seen')",
        "!echo seen",
    ],
)
def test_output_is_seen_however_it_is_written(
    shared_wire: Wire, pool: ThreadPoolExecutor, code: str
) -> None:
    program = Program(
        shared_wire,
        pool,
        f"pause, clock = time.sleep, time.monotonic\n{code}\n"
        "while not os.path.exists(GO): pause(0.02)\ntime.sleep, time.monotonic = pause, clock",
    )
    program.read_until("seen")
    program.go()
    assert program.response.result()["status"] == "ok"


def test_an_interrupted_program_leaves_its_output(
    shared_wire: Wire, pool: ThreadPoolExecutor
) -> None:
    program = Program(
        shared_wire,
        pool,
        "print('before')\ntry:\n    wait('never')\nexcept KeyboardInterrupt:\n    print('after')\n"
        "    raise",
    )
    program.read_until("before")
    assert shared_wire.ok("interrupt", session="s", idempotency_key=program.key)["interrupted"]
    assert program.response.result()["error"]["type"] == "CodeFailed"
    program.read()
    assert "".join(program.texts("stdout")) == "before\nafter\n"


def test_a_command_has_no_output_to_read(shared_wire: Wire, pool: ThreadPoolExecutor) -> None:
    event = {
        "tool": "execute_command",
        "session": "s",
        "command": "while ! test -e go; do sleep 0.05; done",
        "idempotency_key": "command",
    }
    running = pool.submit(shared_wire.new_function(), event, Context(60))
    response = shared_wire("read_output", session="s", idempotency_key="command")
    while "error" not in response:  # the request has not reached the function yet
        response = shared_wire("read_output", session="s", idempotency_key="command")
    assert response["error"]["type"] == "InvalidRequest"
    assert "runs no program in Python" in response["error"]["message"]
    shared_wire.ok("execute_command", session="s", command="touch go")
    assert running.result()["status"] == "ok"


def test_a_read_that_comes_to_nothing_is_over_soon_and_harms_nothing(
    shared_wire: Wire, pool: ThreadPoolExecutor
) -> None:
    """Whether commands run beside code on the service, nobody here knows."""
    shared_wire.ok("execute_code", session="s", code="kept = 7")
    program = Program(shared_wire, pool, "print('a')\nwait(GO)\nprint(kept)")
    program.read_until("a")
    shared_wire.fault(operation="InvokeCodeInterpreter", kind="hang", count=1)
    began_at = time.monotonic()
    response = shared_wire("read_output", session="s", idempotency_key=program.key)
    assert time.monotonic() - began_at < 15
    assert response["error"]["type"] in ("TimedOut", "OutcomeUnknown")
    shared_wire.clear_faults()
    program.go()
    assert program.response.result()["stdout"] == "a\n7"
    assert len(shared_wire.running()) == 1
