"""The observer in the kernel, with a real kernel behind real HTTP."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from code_interpreter_invoke.errors import NotStartedError
from tests.fakes.lambda_context import Context
from tests.integration.invoke.wire import Wire

BUSY = "import time\nwhile True:\n    time.sleep(0.05)"
FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"


@pytest.fixture
def pool() -> Any:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def begin(pool: ThreadPoolExecutor, wire: Wire, code: str, **arguments: Any) -> Future[Any]:
    """Send a program from another instance of the function, and wait until it has begun."""
    function = wire.new_function()
    began = f"begun{time.monotonic_ns()}"
    event = {
        "tool": "execute_code",
        "session": "s",
        "code": f"open('{began}', 'w').close()\n{code}",
        **arguments,
    }
    running = pool.submit(function, event, Context(60))
    wait_until(lambda: began in names(wire) or running.done())
    return running


class Gate:
    """A file that programs and commands wait for, however busy the machine is."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._file = f"gate{time.monotonic_ns()}"
        self.wait = f"import os, time\nwhile not os.path.exists('{self._file}'): time.sleep(0.05)\n"
        self.wait_in_shell = f"while ! test -e {self._file}; do sleep 0.05; done"

    def open(self) -> None:
        self._wire.ok("execute_command", session="s", command=f"touch {self._file}")


def names(wire: Wire) -> list[str]:
    listed = wire.ok("file_operations", session="s", operation="list")
    return [entry["name"] for entry in listed["entries"]]


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


# Time-outs.


@pytest.mark.parametrize(
    "endless",
    [
        BUSY,
        "import time; time.sleep(60)",
        "import asyncio\nawait asyncio.sleep(60)",
        "import subprocess; subprocess.run(['sleep', '60'])",
        "import threading; threading.Event().wait()",
        # As BUSY, and a second of a processor.
        pytest.param("while True: pass", marks=pytest.mark.slow),
        "%%capture\nimport time; time.sleep(60)",
    ],
)
def test_a_program_whose_time_is_up_is_interrupted(shared_wire: Wire, endless: str) -> None:
    shared_wire.ok("execute_code", session="s", code="kept = 7")
    code = f"{endless}" if endless.startswith("%%") else f"print('so far', flush=True)\n{endless}"
    response = shared_wire("execute_code", session="s", code=code, timeout_seconds=1)
    assert response["error"]["type"] == "TimedOut", response
    assert "variables and files are kept" in response["error"]["message"]
    assert response["stdout"] == ("" if endless.startswith("%%") else "so far")
    assert "code-interpreter" not in response["stderr"]
    after = shared_wire.ok("execute_code", session="s", code="print(kept)")
    assert after["stdout"] == "7"
    assert "session_restarted" not in after


def test_without_a_session_nothing_is_said_to_be_kept(shared_wire: Wire) -> None:
    response = shared_wire("execute_code", code=BUSY, timeout_seconds=1)
    assert "the code was interrupted" in response["error"]["message"]
    assert "kept" not in response["error"]["message"]


@pytest.mark.parametrize(
    "stubborn",
    [
        "import time\nwhile True:\n    try:\n        time.sleep(60)\n"
        "    except KeyboardInterrupt:\n        pass",
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG])\n"
        "time.sleep(60)",
    ],
)
def test_a_program_that_ignores_the_interrupt_costs_the_sandbox(
    shared_wire: Wire, stubborn: str
) -> None:
    shared_wire.ok("execute_code", session="s", code="lost = 7")
    response = shared_wire("execute_code", session="s", code=stubborn, timeout_seconds=1)
    assert response["error"]["type"] == "TimedOut"
    assert "the sandbox was stopped" in response["error"]["message"]
    after = shared_wire("execute_code", session="s", code="print(lost)")
    assert after["error"]["exception"]["type"] == "NameError"
    assert after["session_restarted"]


def test_a_program_that_waits_for_another_one_never_begins(
    shared_wire: Wire, pool: ThreadPoolExecutor
) -> None:
    gate = Gate(shared_wire)
    shared_wire.ok("execute_code", session="s", code="runs = 0")
    first = begin(pool, shared_wire, f"{gate.wait}print('first')")
    second = shared_wire("execute_code", session="s", code="runs += 1", timeout_seconds=1)
    assert second["error"]["type"] == "NotStarted"
    assert second["error"]["retryable"]
    gate.open()
    assert first.result()["stdout"] == "first"
    assert shared_wire.ok("execute_code", session="s", code="print(runs)")["stdout"] == "0"


def test_the_same_program_twice_is_two_programs(
    shared_wire: Wire, pool: ThreadPoolExecutor
) -> None:
    """The tag tells them apart, not their code."""
    gate = Gate(shared_wire)
    shared_wire.ok("execute_code", session="s", code="runs = 0")
    code = f"runs += 1; open('begun-twice', 'w').close()\n{gate.wait}print('ended')"
    first = pool.submit(
        shared_wire.new_function(),
        {"tool": "execute_code", "session": "s", "code": code},
        Context(60),
    )
    wait_until(lambda: "begun-twice" in names(shared_wire))
    second = shared_wire("execute_code", session="s", code=code, timeout_seconds=1)
    assert second["error"]["type"] == "NotStarted"
    gate.open()
    assert first.result()["stdout"] == "ended"
    assert shared_wire.ok("execute_code", session="s", code="print(runs)")["stdout"] == "1"


# The tool `interrupt`.


def test_a_request_is_interrupted_by_its_key(shared_wire: Wire, pool: ThreadPoolExecutor) -> None:
    shared_wire.ok("execute_code", session="s", code="kept = 7")
    running = begin(pool, shared_wire, f"print('so far')\n{BUSY}", idempotency_key="k")
    assert shared_wire.ok("interrupt", session="s", idempotency_key="k")["interrupted"]
    response = running.result()
    assert response["error"]["exception"]["type"] == "KeyboardInterrupt"
    assert response["stdout"] == "so far"
    assert not shared_wire.ok("interrupt", session="s", idempotency_key="k")["interrupted"]
    assert shared_wire.ok("execute_code", session="s", code="print(kept)")["stdout"] == "7"


def test_an_interrupt_never_hits_the_next_program(
    shared_wire: Wire, pool: ThreadPoolExecutor
) -> None:
    gate = Gate(shared_wire)
    shared_wire.ok("execute_code", session="s", code="ran = []")
    first = begin(pool, shared_wire, f"{gate.wait}ran.append('first')")
    event = {
        "tool": "execute_code",
        "session": "s",
        "code": "ran.append('second')",
        "idempotency_key": "second",
    }
    second = pool.submit(shared_wire.new_function(), event, Context(60))

    def is_interrupted() -> bool:
        # Until its record is written, the request does not run yet.
        return bool(
            shared_wire.ok("interrupt", session="s", idempotency_key="second")["interrupted"]
        )

    wait_until(is_interrupted)
    gate.open()
    assert first.result()["status"] == "ok"
    response = second.result()
    assert response["error"]["type"] == "NotStarted"
    assert "cancelled" in response["error"]["message"]
    assert shared_wire.ok("execute_code", session="s", code="print(ran)")["stdout"] == "['first']"


def test_a_key_that_nobody_uses_has_nothing_to_interrupt(shared_wire: Wire) -> None:
    assert (
        shared_wire.ok("interrupt", session="s", idempotency_key="unused")["interrupted"] is False
    )


def test_a_command_cannot_be_interrupted(shared_wire: Wire, pool: ThreadPoolExecutor) -> None:
    gate = Gate(shared_wire)
    function = shared_wire.new_function()
    shared_wire.ok("start_session", session="s")
    event = {
        "tool": "execute_command",
        "session": "s",
        "command": f"touch command-begun; {gate.wait_in_shell}",
        "idempotency_key": "command",
    }
    running = pool.submit(function, event, Context(60))
    wait_until(lambda: "command-begun" in names(shared_wire))
    response = shared_wire("interrupt", session="s", idempotency_key="command")
    assert response["error"]["type"] == "InvalidRequest"
    gate.open()
    assert running.result()["status"] == "ok"


# The kernel that is replaced.


@pytest.mark.parametrize(
    "deadly",
    [
        "import os; os._exit(3)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "%reset -f",
    ],
)
def test_lost_variables_are_told_and_the_new_kernel_is_observed(
    shared_wire: Wire, deadly: str
) -> None:
    shared_wire.ok("execute_code", session="s", code="kept = 7")
    assert shared_wire("execute_code", session="s", code=deadly)["variables_lost"]
    after = shared_wire("execute_code", session="s", code="kept")
    assert after["error"]["exception"]["type"] == "NameError"
    assert "variables_lost" not in after


@pytest.mark.parametrize("ending", ["exit()", "quit()", "import sys; sys.exit()"])
def test_the_end_of_a_program_is_not_the_end_of_the_variables(
    shared_wire: Wire, ending: str
) -> None:
    shared_wire.ok("execute_code", session="s", code="kept = 7")
    assert "variables_lost" not in shared_wire.ok("execute_code", session="s", code=ending)
    assert shared_wire.ok("execute_code", session="s", code="print(kept)")["stdout"] == "7"


def test_a_kernel_that_ended_between_two_requests_is_told(shared_wire: Wire) -> None:
    found = shared_wire.ok("execute_code", session="s", code="import os; print(os.getpid())")
    shared_wire.ok("execute_command", session="s", command=f"kill -9 {found['stdout']}; sleep 0.5")
    after = shared_wire.ok("execute_code", session="s", code="1")
    assert after["variables_lost"]
    assert shared_wire.ok("execute_code", session="s", code="1")["results"] == [{"text/plain": "1"}]


def test_a_closed_standard_output_is_no_lost_kernel(wire: Wire) -> None:
    wire.ok("execute_code", session="s", code="kept = 7")
    closed = wire("execute_code", session="s", code="import sys; sys.stdout.close()")
    assert "variables_lost" not in closed
    after = wire("execute_code", session="s", code="open('kept', 'w').write(str(kept))")
    assert "variables_lost" not in after
    assert "kept" in names(wire)


def test_a_new_kernel_knows_the_users_folders(shared_wire: Wire) -> None:
    code = "import os; os.makedirs('mine'); os.chdir('mine'); os._exit(1)"
    shared_wire("execute_code", session="s", code=code)
    response = shared_wire.ok("execute_code", session="s", code="open('mine/a', 'w').close()")
    assert response["files_changed"] == {"created": ["mine/a"]}


# Programs that meet the observer in a bad moment.


def test_a_new_kernel_without_an_observer_is_never_taken_for_one_that_waits(
    shared_wire: Wire,
) -> None:
    found = shared_wire.ok("execute_code", session="s", code="import os; print(os.getpid())")
    shared_wire.ok("execute_command", session="s", command=f"kill -9 {found['stdout']}; sleep 0.3")
    event: dict[str, Any] = {
        "code": "open('runs', 'a').write('x')\n" + BUSY,
        "idempotency_key": "once",
    }
    response = shared_wire("execute_code", session="s", timeout_seconds=1, **event)
    assert response["error"]["type"] == "TimedOut"
    again = shared_wire("execute_code", session="s", timeout_seconds=1, **event)
    assert again["replayed"]


def test_a_kernel_that_no_longer_replies_is_replaced(shared_wire: Wire) -> None:
    shared_wire.ok("execute_code", session="s", code="1")
    shared_wire(
        "execute_code", session="s", code="import sys; sys.stderr = None", timeout_seconds=2
    )
    shared_wire("execute_code", session="s", code="1", timeout_seconds=2)
    assert shared_wire.ok("execute_code", session="s", code="print(5)")["stdout"] == "5"


@pytest.mark.parametrize(
    "code",
    [
        "class E(Exception): exceptions = property(lambda self: exit(3))\nraise E('bad')",
        "class E(Exception): exceptions = property(lambda self: 1 / 0)\nraise E('bad')",
        "e = ValueError('bad'); e.__notes__ = 5; raise e",
    ],
)
def test_an_exception_that_fails_to_be_described_costs_nothing_else(
    shared_wire: Wire, code: str
) -> None:
    program = (
        f"from IPython.display import HTML\ndisplay(HTML('x'))\nopen('f', 'w').close()\n{code}"
    )
    response = shared_wire("execute_code", session="s", code=program)
    assert response["error"]["exception"]["type"] in ("E", "ValueError")
    assert response["results"][0]["text/html"] == "x"
    assert response["files_changed"] == {"created": ["f"]}
    assert "variables_lost" not in response
    shared_wire.ok("file_operations", session="s", operation="remove", paths=["f"])
    assert shared_wire.ok("execute_code", session="s", code="1")["results"] == [{"text/plain": "1"}]


@pytest.mark.parametrize(
    ("bundle", "kept"),
    [
        ("{'application/json': {(1, 2): 3}, 'text/plain': 'x'}", {"text/plain": "x"}),
        ("{'application/json': {'a': float('nan')}}", {"application/json": {"a": None}}),
        ("{'application/json': 5}", {"application/json": 5}),
    ],
)
def test_a_value_that_json_does_not_have_is_left_out(
    shared_wire: Wire, bundle: str, kept: dict[str, Any]
) -> None:
    code = f"from IPython.display import display\ndisplay({bundle}, raw=True)"
    assert shared_wire.ok("execute_code", session="s", code=code)["results"] == [kept]


def test_a_value_that_cannot_be_saved_as_an_image_is_a_file_all_the_same(shared_wire: Wire) -> None:
    code = "display({'image/png': 'x' * 1_000_001, 'text/plain': 'x'}, raw=True)"
    [bundle] = shared_wire.ok("execute_code", session="s", code=code)["results"]
    assert shared_wire.get(bundle["files"]["image/png"]) == b"x" * 1_000_001


def test_large_values_of_one_bundle_are_files_of_their_own(shared_wire: Wire) -> None:
    code = "display({f'application/x-{c}': c * 1_000_100 for c in 'ab'}, raw=True)"
    [bundle] = shared_wire.ok("execute_code", session="s", code=code)["results"]
    saved = {kind: shared_wire.get(path)[:1] for kind, path in bundle["files"].items()}
    assert saved == {"application/x-a": b"a", "application/x-b": b"b"}


def test_the_number_of_results_is_limited(shared_wire: Wire) -> None:
    code = "for i in range(1000): display(i)"
    response = shared_wire.ok("execute_code", session="s", code=code)
    assert len(response["results"]) == 100
    assert response["warnings"] == ["900 further results were left out"]


def test_a_program_may_clean_up_after_an_interrupt(shared_wire: Wire) -> None:
    code = (
        "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n"
        "    time.sleep(0.5)\n    print('cleaned up')"
    )
    response = shared_wire("execute_code", session="s", code=code, timeout_seconds=1)
    assert response["error"]["type"] == "TimedOut"
    assert response["stdout"] == "cleaned up"


def test_the_interrupting_command_has_a_limit_of_its_own(
    wire: Wire, pool: ThreadPoolExecutor
) -> None:
    wire.ok("execute_code", session="s", code="1")
    function = wire.new_function()
    event = {"tool": "execute_code", "session": "s", "code": BUSY, "timeout_seconds": 2}
    running = pool.submit(function, event, Context(40))
    time.sleep(0.5)
    wire.fault(operation="InvokeCodeInterpreter", kind="hang", count=1000)
    began = time.monotonic()
    response = running.result()
    assert time.monotonic() - began < 25
    wire.clear_faults()
    assert "the sandbox was stopped" in response["error"]["message"]
    assert wire.running() == []


def test_a_preparation_that_failed_after_the_observer_was_installed_keeps_it(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.put("uploads/a.txt", b"x")
    with monkeypatch.context() as patch:
        patch.setattr("code_interpreter_invoke.files.loading.load", fail_to_load)
        assert wire("execute_code", session="s", code="1")["error"]["type"] == "NotStarted"
    assert wire.ok("execute_code", session="s", code="1")["results"] == [{"text/plain": "1"}]


def fail_to_load(*_: object) -> None:
    raise NotStartedError("no connection")


def test_a_text_that_looks_like_an_exit_is_none(shared_wire: Wire) -> None:
    code = "raise ValueError('bad\\nSystemExit: 0')"
    response = shared_wire("execute_code", session="s", code=code)
    assert (response["status"], response["exit_code"]) == ("error", 1)


# The price of the observer.


def test_a_session_starts_with_one_request_for_its_observer(shared_wire: Wire) -> None:
    before = len(shared_wire.calls())
    shared_wire.ok("execute_code", session="new", code="1")
    assert [call["tool"] for call in shared_wire.calls()[before:]] == ["executeCode"] * 2


def test_a_request_without_a_session_costs_one_more(shared_wire: Wire) -> None:
    before = len(shared_wire.calls())
    response = shared_wire.ok("execute_code", code="1")
    assert response["results"] == [{"text/plain": "1"}]
    assert [call["tool"] for call in shared_wire.calls()[before:]] == ["executeCode"] * 2


# Rich results.


def test_a_figure_comes_back_as_an_image(shared_wire: Wire) -> None:
    response = shared_wire.ok("execute_code", session="s", code=FIGURE)
    [image] = response["images"]
    assert base64.b64decode(image["data"]).startswith(b"\x89PNG")
    assert response["results"][0]["image/png"] == image["data"]
    assert "files_saved" not in response


@pytest.mark.parametrize(
    ("code", "index"),
    [
        ("40 + 2", 0),
        ("display(1); display(2); 3", 2),
        ("display(1)", None),
        ("import matplotlib.pyplot as plt; plt.plot([1])", 0),  # the figure comes behind it
        ("1;", None),
        ("from IPython.display import clear_output\ndisplay(1); clear_output(); 2", 0),
    ],
)
def test_the_value_of_the_last_expression_is_told(
    shared_wire: Wire, code: str, index: int | None
) -> None:
    assert shared_wire.ok("execute_code", session="s", code=code).get("last_expression") == index


def test_a_figure_is_saved_without_a_name(shared_wire: Wire) -> None:
    response = shared_wire.ok("execute_code", session="s", code=FIGURE, save_figures=True)
    [path] = response["files_saved"]
    assert shared_wire.get(path) == base64.b64decode(response["images"][0]["data"])
    assert response["results"][0]["files"] == {"image/png": path}


def test_a_large_result_is_a_file(shared_wire: Wire) -> None:
    code = "from IPython.display import HTML\nHTML('<p>' + 'x' * 2_000_000)"
    response = shared_wire.ok("execute_code", session="s", code=code)
    [bundle] = response["results"]
    assert response["files_saved"] == [bundle["files"]["text/html"]]
    assert shared_wire.get(bundle["files"]["text/html"]) == b"<p>" + b"x" * 2_000_000


# Settings of a session.


def test_a_replaced_sandbox_is_set_up_again(wire: Wire) -> None:
    wire.put("uploads/input.txt", b"5")
    wire.ok(
        "start_session", session="s", setup="cp input.txt ready; echo $A >> ready", env={"A": "b c"}
    )
    for _ in range(2):
        code = "import os; print(os.environ['A'], open('ready').read().split('\\n')[0])"
        assert wire.ok("execute_code", session="s", code=code)["stdout"] == "b c 5b c"
        command = wire.ok("execute_command", session="s", command='echo "$A"; cat ready')
        assert command["stdout"].split() == ["b", "c", "5b", "c"]
        wire("execute_code", session="s", code="import os; os._exit(1)")
        again = wire.ok("execute_code", session="s", code="import os; print(os.environ['A'])")
        assert again["stdout"] == "b c"
        session_id = again["session_id"]
        wire.clients.agentcore.stop_code_interpreter_session(
            codeInterpreterIdentifier=wire.interpreter, sessionId=session_id
        )


def test_a_setup_that_fails_says_why_and_leaves_no_sandbox(wire: Wire) -> None:
    response = wire("start_session", session="s", setup="echo 'no such package' >&2; exit 3")
    assert response["error"]["type"] == "NotStarted"
    assert "exit code 3: no such package" in response["error"]["message"]
    assert wire.ok("start_session", session="s", setup="true")["session_status"] == "READY"
    assert wire.ok("list_sessions", status="READY")["count"] == 1
