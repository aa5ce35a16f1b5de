"""The output of a program while it runs, with a real kernel behind real HTTP."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.fakes.lambda_context import Context
from tests.integration.invoke.wire import Wire

# A program waits for the test, however busy the machine is.
GO = "import os, sys, time\ndef wait(name):\n    while not os.path.exists(name): time.sleep(0.02)\n"


class Program:
    """A program that runs, and what has been read of its output."""

    def __init__(self, wire: Wire, pool: ThreadPoolExecutor, code: str, key: str = "k") -> None:
        self._wire = wire
        self._key = key
        event = {
            "tool": "execute_code",
            "session": "s",
            "code": GO + code,
            "idempotency_key": key,
        }
        self.response: Future[Any] = pool.submit(wire.new_function(), event, Context(120))
        self.output: list[dict[str, str]] = []
        self.offset = 0
        self.running = True

    def read(self) -> None:
        part = self._wire.ok(
            "read_output", session="s", idempotency_key=self._key, offset=self.offset
        )
        self.output += part["output"]
        self.offset, self.running = part["next_offset"], part["running"]

    def read_until(self, text: str) -> None:
        give_up_at = time.monotonic() + 60
        while text not in "".join(self.texts()):
            assert time.monotonic() < give_up_at, self.output
            self.read()
            time.sleep(0.1)

    def texts(self, *streams: str) -> list[str]:
        return [part["text"] for part in self.output if not streams or part["stream"] in streams]

    def go(self, name: str = "go") -> None:
        self._wire.ok("execute_command", session="s", command=f"touch {name}")


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
    wire: Wire, pool: ThreadPoolExecutor
) -> None:
    wire.ok("start_session", session="s")
    program = Program(
        wire,
        pool,
        "print('one')\nprint('two', file=sys.stderr)\nprint('Grüße', end='')\nwait('go')\n"
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
    wire: Wire, pool: ThreadPoolExecutor
) -> None:
    wire.ok("start_session", session="s")
    program = Program(wire, pool, "print('a')\ndisplay({'b': 1})\nprint('c')\nwait('go')")
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
    wire: Wire, pool: ThreadPoolExecutor
) -> None:
    wire.ok("start_session", session="s")
    program = Program(wire, pool, "print('x' * 6_000_000)\nprint('last')\nwait('go')")
    program.read_until("x")
    while sum(map(len, program.texts())) < 2_500_000:
        program.read()
    program.read()
    assert sum(map(len, program.texts())) == 2_500_000
    assert max(map(len, program.texts())) < 1_000_000
    program.go()
    assert "truncated" in program.response.result()


def test_each_program_has_an_output_of_its_own(wire: Wire, pool: ThreadPoolExecutor) -> None:
    wire.ok("start_session", session="s")
    first = Program(wire, pool, "print('first')\nwait('go')", "first")
    first.read_until("first")
    second = Program(wire, pool, "print('second')\nwait('stop')", "second")
    second.read()
    assert second.output == []
    first.go()
    second.read_until("second")
    assert "".join(first.texts()) == "first\n"
    second.go("stop")
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
    wire: Wire, pool: ThreadPoolExecutor, code: str
) -> None:
    wire.ok("start_session", session="s")
    program = Program(
        wire, pool, f"pause = time.sleep\n{code}\nwhile not os.path.exists('go'): pause(0.02)"
    )
    program.read_until("seen")
    program.go()
    assert program.response.result()["status"] == "ok"


def test_an_interrupted_program_leaves_its_output(wire: Wire, pool: ThreadPoolExecutor) -> None:
    wire.ok("start_session", session="s")
    program = Program(
        wire,
        pool,
        "print('before')\ntry:\n    wait('never')\nexcept KeyboardInterrupt:\n    print('after')\n"
        "    raise",
    )
    program.read_until("before")
    assert wire.ok("interrupt", session="s", idempotency_key="k")["interrupted"]
    assert program.response.result()["error"]["type"] == "CodeFailed"
    program.read()
    assert "".join(program.texts("stdout")) == "before\nafter\n"


def test_a_command_has_no_output_to_read(wire: Wire, pool: ThreadPoolExecutor) -> None:
    wire.ok("start_session", session="s")
    event = {
        "tool": "execute_command",
        "session": "s",
        "command": "while ! test -e go; do sleep 0.05; done",
        "idempotency_key": "k",
    }
    running = pool.submit(wire.new_function(), event, Context(60))
    response = wire("read_output", session="s", idempotency_key="k")
    while "error" not in response:  # the request has not reached the function yet
        response = wire("read_output", session="s", idempotency_key="k")
    assert response["error"]["type"] == "InvalidRequest"
    assert "runs no program in Python" in response["error"]["message"]
    wire.ok("execute_command", session="s", command="touch go")
    assert running.result()["status"] == "ok"


def test_a_read_that_comes_to_nothing_is_over_soon_and_harms_nothing(
    wire: Wire, pool: ThreadPoolExecutor
) -> None:
    """Whether commands run beside code on the service, nobody here knows."""
    wire.ok("execute_code", session="s", code="kept = 7")
    program = Program(wire, pool, "print('a')\nwait('go')\nprint(kept)")
    program.read_until("a")
    wire.fault(operation="InvokeCodeInterpreter", kind="hang", count=1)
    began_at = time.monotonic()
    response = wire("read_output", session="s", idempotency_key="k")
    assert time.monotonic() - began_at < 15
    assert response["error"]["type"] in ("TimedOut", "OutcomeUnknown")
    wire.clear_faults()
    program.go()
    assert program.response.result()["stdout"] == "a\n7"
    assert len(wire.running()) == 1
