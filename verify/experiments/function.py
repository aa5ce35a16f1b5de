"""The function: its runtime, its long calls, its times."""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import TYPE_CHECKING

from code_interpreter_client import CodeInterpreter, CodeInterpreterError
from verify.experiment import Finding, NotTriedError, differs, holds, holds_if
from verify.names import FUNCTION_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from code_interpreter_client import Session
    from verify.context import Context

LONG_SECONDS = 420
# Longer than AgentCore's 900 s for a request, and shorter than the function's time.
LONGER_SECONDS = 930
TIMES = 20
# The alarm's threshold for the start of a session.
SLOW_START_SECONDS = 10


def long_program(context: Context) -> Finding:
    with context.named_session() as session:
        return run_long_program(context, session)


def long_program_in_vpc(context: Context) -> Finding:
    outputs = context.deployments.outputs("FunctionInVpc")
    interpreter = CodeInterpreter.from_function(
        outputs["InvokeFunctionName"], boto3_session=context.session
    )
    with context.named_session(interpreter, outputs["WorkspaceBucketName"]) as session:
        return run_long_program(context, session)


def run_long_program(context: Context, session: Session) -> Finding:
    """Run a program for longer than network devices keep an idle connection."""
    timeout = int(context.function["Timeout"])
    if timeout < LONG_SECONDS + 60:
        raise NotTriedError(f"the function's timeout is {timeout} s")
    seconds = context.scaled(LONG_SECONDS)
    began = time.monotonic()
    try:
        result = session.run(f"import time\ntime.sleep({seconds})\nprint('end')", check=False)
    except CodeInterpreterError as error:
        return differs(f"{type(error).__name__} after {time.monotonic() - began:.0f} s: {error}")
    evidence = f"a program of {seconds:g} s: {result.response['status']}"
    if context.local:
        evidence += f" ({LONG_SECONDS} s in an account; no device here drops connections)"
    return holds_if(result.stdout.strip() == "end", evidence)


def long_timeout(context: Context) -> Finding:
    """Deploy a function with 1,080 s, and run a program for longer than a request may take."""
    outputs = context.deployments.outputs("Function")
    name = outputs["InvokeFunctionName"]
    found = context.client("lambda").get_function_configuration(FunctionName=name)
    if found["Timeout"] != FUNCTION_SECONDS:
        return differs(f"the function's timeout is {found['Timeout']} s")
    interpreter = CodeInterpreter.from_function(name, boto3_session=context.session)
    seconds = context.scaled(LONGER_SECONDS)
    began = time.monotonic()
    with context.named_session(interpreter, outputs["WorkspaceBucketName"]) as session:
        response = interpreter.function.request(
            "execute_code",
            {"code": f"import time\ntime.sleep({seconds})\nprint('end')"},
            session=session.name,
        )
    took = time.monotonic() - began
    evidence = (
        f"timeout {found['Timeout']} s; a program of {seconds:g} s: {response['status']} "
        f"{response.get('error', {}).get('type', '')} after {took:.0f} s"
    )
    if context.local:
        return holds(f"{evidence} ({LONGER_SECONDS} s in an account)")
    # The service ends the request, and the function still has time to say so.
    return holds_if(response["status"] == "error" and took < FUNCTION_SECONDS, evidence)


def runtime(context: Context) -> Finding:
    """Read the deployed function's runtime and architecture, and let it respond."""
    configuration = context.function
    tools = context.interpreter.describe_tools()
    found = (configuration["Runtime"], *configuration["Architectures"])
    evidence = f"{' on '.join(found)}, and it responded with {len(tools)} tools"
    return holds_if(found == ("python3.14", "arm64"), evidence)


def latencies(context: Context) -> Finding:
    """Measure 20 starts of sandboxes and first programs, and 20 calls of the function."""
    times: dict[str, list[float]] = {"start": [], "first program": [], "call": []}
    for _ in range(TIMES):
        began = time.monotonic()
        with context.new_sandbox(sessionTimeoutSeconds=300) as sandbox:
            times["start"].append(time.monotonic() - began)
            times["first program"].append(measure(partial(sandbox.python, "1")))
    with context.named_session() as session:
        session.run("1")
        for _ in range(TIMES):
            times["call"].append(measure(lambda: session.run("print(1)")))
    seconds = {
        f"{name}, {label}": value
        for name, measured in times.items()
        for label, value in (("p50", statistics.median(measured)), ("p95", p95(measured)))
    }
    evidence = "; ".join(f"{name} {value:.2f} s" for name, value in seconds.items())
    slowest = seconds["start, p95"]
    return Finding("holds" if slowest < SLOW_START_SECONDS else "differs", evidence, seconds)


def measure(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def p95(measured: list[float]) -> float:
    """Return the 95th percentile: of 20 times, the second longest."""
    return sorted(measured)[-1 - len(measured) // 20]
