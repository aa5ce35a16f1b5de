"""How fast the emulator is, and what a session costs: `make bench`.

Timings on a shared machine drift, so what is compared is measured in turn in one run, and
ratios of medians are what counts.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
from botocore.config import Config
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

from local_aws import LocalAws

SYSTEM = "aws.codeinterpreter.v1"
SANDBOX_PYTHON = Path(__file__).parents[1] / ".venv-sandbox" / "bin" / "python"
ROUNDS = 300
SESSIONS = 50
CALLS = 10  # per session


def main() -> None:
    with LocalAws() as aws:
        compare_with_bare_kernel(aws)
        many_sessions(aws)


def compare_with_bare_kernel(aws: LocalAws) -> None:
    """Warm `executeCode("pass")` over HTTP, in turn with the same kernel without us."""
    data = aws.client("bedrock-agentcore")
    with session(data) as identifier, bare_kernel() as kernel:
        ours = invoke_over_http(aws, identifier)
        bare: list[float] = []
        through_us: list[float] = []
        for _ in range(ROUNDS):
            bare.append(timed(lambda: kernel.execute("pass", reply=True, timeout=10)))
            through_us.append(timed(ours))
    ratio = statistics.median(through_us) / statistics.median(bare)
    say("bare kernel through jupyter_client", f"{milliseconds(bare)}")
    say("executeCode over the wire", f"{milliseconds(through_us)}")
    say("ratio of medians", f"{ratio:.2f}")


def invoke_over_http(aws: LocalAws, identifier: str) -> Callable[[], None]:
    """The raw request on a connection that is kept open: no SDK's own time in it."""
    connection = http.client.HTTPConnection(aws.endpoint.removeprefix("http://"))
    arguments = {"code": "pass", "language": "python"}
    body = json.dumps({"name": "executeCode", "arguments": arguments})
    headers = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/"
        "bedrock-agentcore/aws4_request, SignedHeaders=host, Signature=0",
        "x-amzn-code-interpreter-session-id": identifier,
    }

    def invoke() -> None:
        connection.request("POST", f"/code-interpreters/{SYSTEM}/tools/invoke", body, headers)
        answer = connection.getresponse()
        if answer.status != 200 or b'"exitCode": 0' not in answer.read().replace(b'":0', b'": 0'):
            raise RuntimeError(f"the call failed with {answer.status}")

    return invoke


@contextlib.contextmanager
def bare_kernel() -> Iterator[BlockingKernelClient]:
    manager = KernelManager(transport="ipc")
    command = [str(SANDBOX_PYTHON), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager._kernel_spec = KernelSpec(argv=command, language="python", display_name="bare")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def many_sessions(aws: LocalAws) -> None:
    """All sessions are started at once and called at once; every call must succeed."""
    starts: list[float] = []
    calls: list[float] = []
    lock = threading.Lock()
    config = Config(
        max_pool_connections=SESSIONS, read_timeout=120, retries={"total_max_attempts": 1}
    )
    data = aws.client("bedrock-agentcore", config=config)
    identifiers: list[str] = []

    def one_session(_: int) -> None:
        began = time.perf_counter()
        identifier = start(data)
        started = time.perf_counter() - began
        with lock:
            starts.append(started)
            identifiers.append(identifier)
        for _ in range(CALLS):
            seconds = timed(lambda: execute(data, identifier, "x = 1"))
            with lock:
                calls.append(seconds)

    began = time.perf_counter()
    with ThreadPoolExecutor(SESSIONS) as pool:
        list(pool.map(one_session, range(SESSIONS)))
    total = time.perf_counter() - began
    memory = sandbox_memory(aws) / SESSIONS
    for identifier in identifiers:
        data.stop_code_interpreter_session(codeInterpreterIdentifier=SYSTEM, sessionId=identifier)
    say(f"{SESSIONS} sessions, {len(calls)} calls, all at once", f"{total:.1f} s, no error")
    say("start of a session", milliseconds(starts))
    say("call", milliseconds(calls))
    say("memory of a session", f"{memory / 1e6:.0f} MB (proportional set size)")


def sandbox_memory(aws: LocalAws) -> int:
    sessions = aws.agentcore.state()["sessions"]
    processes = [process_id for session in sessions for process_id in session["processIds"]]
    return sum(psutil.Process(process_id).memory_full_info().pss for process_id in processes)


@contextlib.contextmanager
def session(data: Any) -> Iterator[str]:
    identifier = start(data)
    yield identifier
    data.stop_code_interpreter_session(codeInterpreterIdentifier=SYSTEM, sessionId=identifier)


def start(data: Any) -> str:
    started = data.start_code_interpreter_session(codeInterpreterIdentifier=SYSTEM)
    return str(started["sessionId"])


def execute(data: Any, identifier: str, code: str) -> None:
    answer = data.invoke_code_interpreter(
        codeInterpreterIdentifier=SYSTEM,
        sessionId=identifier,
        name="executeCode",
        arguments={"code": code, "language": "python"},
    )
    for event in answer["stream"]:
        if event["result"]["isError"]:
            raise RuntimeError(f"a call failed: {event}")


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def milliseconds(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    tail = ordered[int(len(ordered) * 0.95)]
    return f"p50 {statistics.median(ordered) * 1000:.1f} ms, p95 {tail * 1000:.1f} ms"


def say(what: str, figure: str) -> None:
    sys.stdout.write(f"{what:<45}{figure}\n")


if __name__ == "__main__":
    main()
