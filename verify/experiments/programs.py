"""How the service runs programs and commands in a sandbox."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, HTTPClientError
from urllib3.exceptions import HTTPError

from agentcore_emulator.sandbox import SandboxSettings
from verify.context import error_code, wait
from verify.experiment import Reading, holds_if
from verify.sandbox import stderr, stdout, text

if TYPE_CHECKING:
    from verify.context import Context
    from verify.experiment import Finding
    from verify.sandbox import Sandbox

HOOK = """
def verify_hook(result):
    print("from the hook")
get_ipython().events.register("post_run_cell", verify_hook)
"""
PLOT = """
import matplotlib.pyplot as plt
plt.plot([1, 4, 9])
plt.show()
"""
ESCAPE = "\x1b"
BESIDE_SECONDS = 4
CALLS = 12
LARGE_BYTES = 12_000_000
MEGABYTE = 1_000_000
CUT_AFTER_SECONDS = 1


def hook_output(context: Context) -> Reading:
    with context.new_sandbox() as sandbox:
        sandbox.python(HOOK)
        output = stdout(sandbox.python("print('from the program')"))
    return Reading("from the hook" in output, f"stdout was {output!r}")


def commands_beside_code(context: Context) -> Finding:
    """Run a command while a program waits for a file that the command makes."""
    with context.new_sandbox() as sandbox, ThreadPoolExecutor(1) as threads:
        sandbox.python("import os, time")
        program = threads.submit(
            sandbox.python,
            f"ends = time.time() + {BESIDE_SECONDS}\n"
            "while not os.path.exists('go') and time.time() < ends:\n    time.sleep(0.05)\n"
            "print(os.path.exists('go'))",
        )
        sandbox.command("touch go")
        output = stdout(program.result())
    return holds_if(
        output == "True",
        "a command ran while a program did" if output == "True" else "a command waited for code",
    )


def interrupt(context: Context) -> Finding:
    """Interrupt a program through the function, and look at its variables."""
    with context.named_session() as session:
        session.run("kept = 42")
        program = session.submit("import time\ntime.sleep(60)", check=False)
        interrupted = wait(lambda: program.interrupt() or None, 30, "nothing was interrupted")
        result = program.result()
        kept = session.run("print(kept)", check=False).stdout.strip()
    return holds_if(
        interrupted and kept == "42",
        f"the program's status is {result.response['status']}, then the variable is {kept!r}",
    )


def programs_wait_for_each_other(context: Context) -> Finding:
    with context.new_sandbox() as sandbox, ThreadPoolExecutor(2) as threads:
        sandbox.python("import time")
        code = "began = time.time(); time.sleep(1); print(began, time.time())"
        runs = [threads.submit(sandbox.python, code) for _ in range(2)]
        (_, first_end), (second_begin, _) = sorted(
            [float(moment) for moment in stdout(run.result()).split()] for run in runs
        )
    return holds_if(
        second_begin >= first_end,
        f"the second program began {second_begin - first_end:.2f} s after the end of the first",
    )


def calls_in_flight(context: Context) -> Reading:
    """Send more calls at once than one sandbox takes, and count those that it refuses."""

    def call(sandbox: Sandbox) -> str:
        try:
            sandbox.command("sleep 3")
        except ClientError as error:
            return error_code(error)
        return "ran"

    with context.new_sandbox() as sandbox, ThreadPoolExecutor(CALLS) as threads:
        outcomes = sorted(threads.map(call, [sandbox] * CALLS))
    ran = outcomes.count("ran")
    others = sorted(set(outcomes) - {"ran"})
    return Reading(ran, f"of {CALLS} calls at once {ran} ran; the others got {others}")


def cut_connection(context: Context) -> Finding:
    """Drop the connection of a running command, and wait for the file that it writes."""
    hasty = context.data_client(CUT_AFTER_SECONDS)
    with context.new_sandbox() as sandbox:
        try:
            sandbox.invoke("executeCommand", client=hasty, command="sleep 3; touch went-on")
        except (HTTPClientError, HTTPError):
            cut = True
        else:
            cut = False
        time.sleep(4)
        went_on = sandbox.exists("went-on")
    return holds_if(
        cut and went_on,
        f"connection cut: {cut}; the command went on: {went_on}",
    )


def image_blocks(context: Context) -> Reading:
    result = context.sandbox.python(PLOT)
    kinds = [block.get("type") for block in result["content"]]
    return Reading("image" in kinds, f"content has blocks of the types {kinds}")


def echo_last_expression(context: Context) -> Reading:
    output = stdout(context.sandbox.python("6 * 7"))
    return Reading("42" in output, f"stdout of 6 * 7 was {output!r}")


def stripped_end(context: Context) -> Reading:
    output = stdout(context.sandbox.python("print('x  \\n')"))
    value = {"x": "white_space", "x  \n": "newline"}.get(output, "neither")
    return Reading(value, f"stdout of 'x', two blanks and two newlines was {output!r}")


def traceback(context: Context) -> Reading:
    output = stderr(context.sandbox.python("1 / 0"))
    value = "full" if "Traceback" in output else "last_line"
    return Reading(value, f"stderr of 1 / 0 had {len(output.splitlines())} lines")


def javascript_colours(context: Context) -> Reading:
    result = context.sandbox.invoke(
        "executeCode", code="throw new Error('verify')", language="javascript"
    )
    has_colours = ESCAPE in stderr(result) + text(result)
    return Reading(
        "as_the_runtime" if has_colours else "none", f"terminal codes in stderr: {has_colours}"
    )


def default_language(context: Context) -> Reading:
    """Run the same text without a language; only one of them prints what it does."""
    programs = {
        "python": "print(len('language'))",
        "typescript": "const n: number = 8; console.log(n)",
        "javascript": "console.log('language'.length)",
    }
    for language, code in programs.items():
        result = context.sandbox.invoke("executeCode", code=code)
        if not result["isError"] and stdout(result).strip() == "8":
            return Reading(language, f"a program of {language} ran without a language")
    return Reading("none", "no program ran without a language")


def output_bytes(context: Context) -> Reading:
    """Print more than the emulator keeps, and compare the length of what comes back."""
    output = stdout(context.sandbox.python(f"print('x' * {LARGE_BYTES})"))
    kept = len(output)
    default = SandboxSettings().output_bytes
    is_default = default <= kept < default + MEGABYTE
    return Reading(default if is_default else kept, f"of {LARGE_BYTES} bytes {kept} came back")


def command_input(context: Context) -> Reading:
    output = context.sandbox.command("timeout 3 cat; echo exit $?")
    value = "empty" if output.endswith("exit 0") else "terminal"
    return Reading(value, f"`timeout 3 cat` printed {output!r}")


def failed_task_status(context: Context) -> Reading:
    sandbox = context.sandbox
    started = sandbox.invoke("startCommandExecution", command="exit 3")
    task = started["structuredContent"]["taskId"]

    def ended() -> str | None:
        found = sandbox.invoke("getTask", taskId=task)["structuredContent"]
        status = str(found.get("taskStatus"))
        return None if status in ("submitted", "working") else status

    status = wait(ended, 30, "the task did not end")
    return Reading(status, f"a task with exit code 3 has the status {status}")
