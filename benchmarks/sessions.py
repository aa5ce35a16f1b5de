"""Sessions of the local AWS, and kernels without it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

SYSTEM = "aws.codeinterpreter.v1"
SANDBOX_PYTHON = Path(__file__).parents[1] / ".venv-sandbox" / "bin" / "python"


def start(data: Any) -> str:
    started = data.start_code_interpreter_session(codeInterpreterIdentifier=SYSTEM)
    return str(started["sessionId"])


def stop(data: Any, identifier: str) -> None:
    data.stop_code_interpreter_session(codeInterpreterIdentifier=SYSTEM, sessionId=identifier)


def execute(data: Any, identifier: str, code: str) -> None:
    response = data.invoke_code_interpreter(
        codeInterpreterIdentifier=SYSTEM,
        sessionId=identifier,
        name="executeCode",
        arguments={"code": code, "language": "python"},
    )
    for event in response["stream"]:
        if event["result"]["isError"]:
            raise RuntimeError(f"a call failed: {event}")


@contextlib.contextmanager
def bare_kernel() -> Iterator[BlockingKernelClient]:
    """Start a kernel as jupyter_client does, and wait until it responds."""
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


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
