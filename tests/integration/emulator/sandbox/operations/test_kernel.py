"""executeCode with Python."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.project import PROJECT

if TYPE_CHECKING:
    from tests.integration.emulator.sandbox.conftest import Sandboxes, StartedSandbox

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_result_has_the_text_and_the_structured_content(sandbox: StartedSandbox) -> None:
    result = sandbox.python("print('Hello World!!!')")
    seconds = result["structuredContent"].pop("executionTime")
    assert result == {
        "content": [{"type": "text", "text": "Hello World!!!"}],
        "structuredContent": {"stdout": "Hello World!!!", "stderr": "", "exitCode": 0},
        "isError": False,
    }
    assert 0 < seconds < 60


def test_execution_time_is_in_seconds(sandbox: StartedSandbox) -> None:
    result = sandbox.python("import time; time.sleep(0.25)")
    assert 0.25 <= result["structuredContent"]["executionTime"] < 60


def test_variables_and_files_last_from_call_to_call(sandbox: StartedSandbox) -> None:
    sandbox.python("kept = 41; open('kept.txt', 'w').write('still here')")
    result = sandbox.python("print(kept + 1, open('kept.txt').read())")
    assert result["structuredContent"]["stdout"] == "42 still here"


def test_clear_context_drops_variables_and_keeps_files(sandbox: StartedSandbox) -> None:
    sandbox.python("gone = 1; open('kept2.txt', 'w').write('still here')")
    result = sandbox.python(
        "print('gone' in globals(), open('kept2.txt').read())", clearContext=True
    )
    assert result["structuredContent"]["stdout"] == "False still here"


def test_an_exception_is_an_error_with_two_blocks(sandbox: StartedSandbox) -> None:
    result = sandbox.python("print('before')\n1 / 0")
    assert result["isError"] is True
    assert result["structuredContent"]["exitCode"] == 1
    assert result["structuredContent"]["stdout"] == "before"
    stderr = result["structuredContent"]["stderr"]
    assert "Cell In[" in stderr
    assert stderr.endswith("ZeroDivisionError: division by zero")
    assert "\x1b" not in stderr
    assert [block["text"] for block in result["content"]] == ["before", stderr]


def test_the_last_line_of_the_traceback_alone(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(traceback="last_line")
    stderr = sandbox.python("1 / 0")["structuredContent"]["stderr"]
    assert stderr == "ZeroDivisionError: division by zero"


def test_a_syntax_error_is_an_error(sandbox: StartedSandbox) -> None:
    result = sandbox.python("def (")
    assert result["isError"] is True
    assert "SyntaxError" in result["structuredContent"]["stderr"]


def test_a_caught_exception_is_no_error(sandbox: StartedSandbox) -> None:
    assert sandbox.python("try: 1 / 0\nexcept ZeroDivisionError as e: print(e)")["isError"] is False


def test_standard_error_is_a_stream_of_its_own(sandbox: StartedSandbox) -> None:
    result = sandbox.python("import sys; print('out'); print('err', file=sys.stderr)")
    assert result["structuredContent"]["stdout"] == "out"
    assert result["structuredContent"]["stderr"] == "err"
    assert result["isError"] is False


def test_output_of_child_processes_comes_in_its_place(sandbox: StartedSandbox) -> None:
    result = sandbox.python(
        "import os, subprocess\n"
        "print('one'); os.system('echo two'); print('three'); subprocess.run(['echo', 'four'])\n"
        "os.write(1, b'five\\n'); print('six')"
    )
    assert result["structuredContent"]["stdout"].split()[:6] == [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
    ]


def test_stdout_has_the_value_of_a_last_expression(sandbox: StartedSandbox) -> None:
    assert sandbox.python("print('a')\n6 * 7")["structuredContent"]["stdout"] == "a\n42"
    assert sandbox.python("6 * 7;")["structuredContent"]["stdout"] == ""


def test_stdout_lacks_the_value_of_a_last_expression_if_set(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(echo_last_expression=False)
    assert sandbox.python("print('a')\n6 * 7")["structuredContent"]["stdout"] == "a"


def test_plots_are_files_and_no_blocks(sandbox: StartedSandbox) -> None:
    result = sandbox.python(
        "import matplotlib; matplotlib.use('Agg')\n"
        "import matplotlib.pyplot as plt\n"
        "plt.plot([1, 2]); plt.savefig('plot.png'); plt.show()"
    )
    assert result["isError"] is False
    assert {block["type"] for block in result["content"]} == {"text"}
    [block] = sandbox.invoke("readFiles", paths=["plot.png"])["content"]
    assert block["resource"]["mimeType"] == "image/png"
    assert block["resource"]["blob"].startswith(PNG)


def test_images_are_blocks_if_set(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(image_blocks=True)
    png = base64.b64encode(PNG).decode()
    result = sandbox.python(
        f"import base64; from IPython.display import Image\nImage(base64.b64decode('{png}'))"
        "; from IPython.display import display; display(Image(base64.b64decode('" + png + "')))"
    )
    assert result["content"][-1] == {"type": "image", "data": PNG, "mimeType": "image/png"}


def test_displayed_text_comes_in_its_place(sandbox: StartedSandbox) -> None:
    result = sandbox.python("import pandas\ndisplay(pandas.DataFrame({'a': [1]})); print('after')")
    assert result["structuredContent"]["stdout"].split() == ["a", "0", "1", "after"]


def test_modules_beside_the_code_are_found(sandbox: StartedSandbox) -> None:
    sandbox.invoke("writeFiles", content=[{"path": "beside.py", "text": "value = 42"}])
    assert sandbox.python("import beside; beside.value")["structuredContent"]["stdout"] == "42"


def test_modules_beside_the_code_do_not_break_the_kernel(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start()
    files = [{"path": f"{name}.py", "text": "1 / 0"} for name in ("json", "zmq", "random")]
    sandbox.invoke("writeFiles", content=files)
    assert sandbox.python("print(1)")["structuredContent"]["stdout"] == "1"


def test_top_level_await_and_magics_work(sandbox: StartedSandbox) -> None:
    assert sandbox.python("import asyncio; await asyncio.sleep(0); 'awaited'")["isError"] is False
    assert sandbox.python("!echo shell")["structuredContent"]["stdout"].strip() == "shell"


def test_input_fails_instead_of_waiting(sandbox: StartedSandbox) -> None:
    result = sandbox.python("input('name?')")
    assert result["isError"] is True
    assert "StdinNotImplementedError" in result["structuredContent"]["stderr"]


@pytest.mark.parametrize(
    "code",
    [
        "import os; print('last words', flush=True); os._exit(0)",
        "import os; print('last words', flush=True); os.kill(os.getpid(), 9)",
        "import ctypes; print('last words', flush=True); ctypes.string_at(0)",
    ],
)
def test_a_kernel_that_dies_is_an_error_and_the_next_execution_starts_another(
    sandbox: StartedSandbox, code: str
) -> None:
    sandbox.python("before = 1")
    result = sandbox.python(code)
    assert result["isError"] is True
    assert result["structuredContent"]["exitCode"] != 0
    assert result["structuredContent"]["stdout"] == "last words"
    assert "The Python process ended" in result["structuredContent"]["stderr"]
    assert sandbox.python("'before' in globals()")["structuredContent"]["stdout"] == "False"


def test_after_exit_the_next_execution_starts_another_kernel(sandbox: StartedSandbox) -> None:
    assert sandbox.python("before = 1; exit()")["isError"] is False
    assert sandbox.python("'before' in globals()")["structuredContent"]["stdout"] == "False"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_program_that_closes_a_stream_has_a_result(sandbox: StartedSandbox, stream: str) -> None:
    result = sandbox.python(f"import sys; print('seen'); sys.{stream}.close()")
    assert result["structuredContent"]["stdout"] == "seen"
    assert sandbox.python("print('next')")["structuredContent"]["stdout"] == "next"


def test_calls_wait_for_each_other(sandboxes: Sandboxes, sandbox: StartedSandbox) -> None:
    code = "import time; order = globals().get('order', ''); time.sleep(0.02); order += '{}'; order"

    async def both() -> list[dict[str, Any]]:
        calls = [
            sandbox.sandbox.invoke("executeCode", {"code": code.format(letter)})
            for letter in "abcd"
        ]
        return await asyncio.gather(*calls)

    outputs = [result["structuredContent"]["stdout"] for result in sandboxes.run(both())]
    assert outputs == ["'a'", "'ab'", "'abc'", "'abcd'"]


def test_a_cancelled_call_does_not_keep_the_next_one_waiting(
    sandboxes: Sandboxes, sandbox: StartedSandbox
) -> None:

    async def cancel() -> None:
        call = asyncio.ensure_future(
            sandbox.sandbox.invoke(
                "executeCode", {"code": "open('begun', 'w').close()\nwhile True: pass"}
            )
        )
        while not (sandbox.work / "begun").exists():
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    sandboxes.run(cancel())
    assert sandbox.python("print('free')")["structuredContent"]["stdout"] == "free"


def test_an_interpreter_without_ipykernel_is_an_error_that_says_so(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(python=PROJECT / ".venv-lambda" / "bin" / "python")
    result = sandbox.python("1")
    assert result["isError"] is True
    assert "No module named 'ipykernel'" in result["content"][0]["text"]


def test_output_is_cut_off_and_says_so(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(output_bytes=1000)
    stdout = sandbox.python("print('é' * 5000)")["structuredContent"]["stdout"]
    assert stdout == "é" * 500 + "\n[output truncated: 1000 of 10001 bytes]"


def test_text_that_is_no_unicode_becomes_replacement_characters(sandbox: StartedSandbox) -> None:
    result = sandbox.python(r"print('\ud800'); import os; os.write(1, b'\xff\n')")
    assert result["structuredContent"]["stdout"] == "\\ud800\n\ufffd\n2"
    assert sandbox.python("print('\ud800')")["structuredContent"]["stdout"] == "?"


@pytest.mark.parametrize(
    ("stripped_end", "expected"), [("white_space", "a  b"), ("newline", "a  b \n")]
)
def test_the_stripped_end_of_the_output_is_a_setting(
    sandboxes: Sandboxes, stripped_end: str, expected: str
) -> None:
    sandbox = sandboxes.start(stripped_end=stripped_end)
    result = sandbox.python("print('\\n  a  b \\n')")
    assert result["structuredContent"]["stdout"] == expected
    assert result["content"] == [{"type": "text", "text": expected}]
