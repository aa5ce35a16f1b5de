"""Make MiniStack run Python functions as the managed Lambda runtime does.

The gaps:

- MiniStack runs Python functions in the server's own interpreter, where they can import its
  packages. Here they run in an interpreter that has only boto3 and the standard library;
- it reports every failure as `Runtime.HandlerError` and discards the execution environment;
- it drops the caller's client context, in which AgentCore Gateway passes the tool's name;
- a function that runs when the server is killed lives on until it returns.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local_aws.ministack_patches.lambda_processes import LambdaProcesses
from local_aws.ministack_patches.requirements import require

WORKER = Path(__file__).with_name("lambda_worker.py")

# Comes before MiniStack's program for Node; `lambda_worker.end_with_parent` does it in Python.
END_WITH_PARENT = """
const serverOfThisWorker = process.ppid;
setInterval(() => { if (process.ppid !== serverOfThisWorker) process.exit(1); }, 500).unref();
"""

client_context: ContextVar[dict[str, Any] | None] = ContextVar("client_context", default=None)


def remember_client_context(header: str | None) -> None:
    """Keep the `X-Amz-Client-Context` header for the invocation of the current request."""
    client_context.set(json.loads(base64.b64decode(header)) if header else None)


def install(python: Path, log: Callable[[str, str], None] | None) -> None:
    """Run Python functions with the interpreter `python`, and tell `log` what functions log."""
    require(lambda_runtime, ["_detect_runtime_binary", "subprocess"])
    require(lambda_svc, ["_execute_function_warm"])
    stock_binary = lambda_runtime._detect_runtime_binary
    stock_execute = lambda_svc._execute_function_warm
    script = WORKER.read_text()

    def detect_runtime_binary(runtime: str) -> tuple[str, str]:
        if runtime.startswith("python"):
            return str(python), script
        binary, program = stock_binary(runtime)
        return binary, END_WITH_PARENT + program if runtime.startswith("nodejs") else program

    def execute(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        config = func.get("config") or func
        result = invoke(config, func, event, request_id)
        if log is not None:
            log(config["FunctionName"], result.get("log", ""))
        return result

    def invoke(
        config: dict[str, Any], func: dict[str, Any], event: Any, request_id: str
    ) -> dict[str, Any]:
        if not config.get("Runtime", "").startswith("python"):
            stock: dict[str, Any] = stock_execute(func, event, request_id)
            return stock
        envelope = {"event": event, "client_context": client_context.get()}
        return unwrap(stock_execute(func, envelope, request_id), request_id)

    lambda_runtime.subprocess = LambdaProcesses(python)
    lambda_runtime._detect_runtime_binary = detect_runtime_binary
    lambda_svc._execute_function_warm = execute


def unwrap(result: dict[str, Any], request_id: str) -> dict[str, Any]:
    """Return MiniStack's result with the payload or error that `lambda_worker` reported."""
    body = result.get("body")
    if result.get("error"):
        if isinstance(body, dict) and body.get("errorMessage") == "Worker process died":
            message = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
            body = {"errorMessage": message, "errorType": "Runtime.ExitError"}
        return {**result, "body": body}
    if not isinstance(body, dict):
        return result
    if "error" in body:
        log = "\n".join(filter(None, [result.get("log", ""), format_log(body["error"])]))
        return {"body": body["error"], "error": True, "log": log}
    return {**result, "body": body["payload"]}


def format_log(error: dict[str, Any]) -> str:
    """Return an error in the format of the managed runtime's log."""
    trace = "".join(error.get("stackTrace", []))
    return f"[ERROR] {error['errorType']}: {error['errorMessage']}\nTraceback:\n{trace}".rstrip()
