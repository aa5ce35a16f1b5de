"""Run one Lambda function's handler, in a process with the Lambda interpreter.

Never imported: MiniStack writes this module's text beside the function's code. It speaks
MiniStack's line protocol: an `init` line, then one line for each event and one for each response.
Callers see the failures of the managed runtime: the exception's class as `errorType`, its
`stackTrace`, the runtime's own failures (`RuntimeFault`), and an execution environment that
survives its handler's exceptions.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import threading
import time
import traceback
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[Any, Any], Any]

# Lambda's quota for the response of a synchronous invocation.
MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100
PARENT_CHECK_SECONDS = 0.5


def main() -> None:
    threading.Thread(target=end_with_parent, args=[os.getppid()], daemon=True).start()
    responses = sys.stdout
    sys.stdout = sys.stderr  # print() goes to the log; the real stdout carries the protocol
    init = json.loads(sys.stdin.readline())
    sys.path.insert(0, init["code_dir"])
    os.environ["LAMBDA_TASK_ROOT"] = init["code_dir"]
    log_to_stderr()
    handler = load(init["module"], init["handler"])
    send(responses, {"status": "ready"})
    for line in sys.stdin:
        envelope = json.loads(line)
        send(responses, {"status": "ok", "result": invoke(handler, envelope, init)})


def end_with_parent(parent: int) -> None:
    """End when the server has ended, also during an invocation, in which nobody reads the input."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)


def log_to_stderr() -> None:
    """Log from level WARNING up through the root logger, as the managed runtime does."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("[%(levelname)s]\t%(asctime)s\t%(message)s"))
    logging.getLogger().addHandler(handler)


class RuntimeFault(Exception):
    """A failure of the runtime, not of the function's own code."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.error_type = f"Runtime.{kind}"


def load(module: str, name: str) -> Handler:
    """Return the handler, or a function that fails in each invocation as its import did."""
    try:
        return import_handler(module, name)
    except Exception as error:
        failure, trace = error, error.__traceback__

        def handler(event: Any, context: Any) -> Any:  # noqa: ARG001 - the handler's signature
            raise failure.with_traceback(trace)

        return handler


def import_handler(module: str, name: str) -> Handler:
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        message = f"Unable to import module '{module}': {error}"
        raise RuntimeFault("ImportModuleError", message) from None
    except SyntaxError as error:
        message = f"Syntax error in module '{module}': {error}"
        raise RuntimeFault("UserCodeSyntaxError", message) from None
    if not hasattr(found, name):
        raise RuntimeFault("HandlerNotFound", f"Handler '{name}' missing on module '{module}'")
    handler: Handler = getattr(found, name)
    return handler


def invoke(handler: Handler, envelope: dict[str, Any], init: dict[str, Any]) -> dict[str, Any]:
    """Return `{"payload": ...}` or `{"error": ...}`, which `lambda_runtime.unwrap` reads."""
    event, context = envelope["event"], envelope["ctx"]
    try:
        result = handler(event["event"], make_context(event, context, init))
        size = len(marshal(result).encode())
    except Exception as failure:
        return {"error": error_document(failure, context["request_id"])}
    if size > MAX_RESPONSE_BYTES:
        limit = f"maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)"
        message = f"Response payload size exceeded {limit}."
        return {"error": {"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}}
    return {"payload": result}


def marshal(result: Any) -> str:
    try:
        return json.dumps(result)
    except (TypeError, ValueError) as error:
        raise RuntimeFault("MarshalError", f"Unable to marshal response: {error}") from None


def error_document(failure: Exception, request_id: str) -> dict[str, Any]:
    error_type, trace = type(failure).__name__, traceback.format_tb(failure.__traceback__)
    if isinstance(failure, RuntimeFault):
        error_type, trace = failure.error_type, []
    return {
        "errorMessage": str(failure),
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": trace,
    }


def make_context(
    event: dict[str, Any], context: dict[str, Any], init: dict[str, Any]
) -> SimpleNamespace:
    deadline = time.monotonic() + context["timeout_ms"] / 1000
    client = event["client_context"]
    return SimpleNamespace(
        function_name=init["function_name"],
        function_version=os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        memory_limit_in_mb=init["memory"],
        invoked_function_arn=context["invoked_function_arn"],
        aws_request_id=context["request_id"],
        log_group_name=os.environ.get(
            "AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + init["function_name"]
        ),
        log_stream_name=os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
        identity=SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None),
        client_context=client
        and SimpleNamespace(
            custom=client.get("custom", {}),
            env=client.get("env", {}),
            client=client.get("client"),
        ),
        get_remaining_time_in_millis=lambda: max(0, int((deadline - time.monotonic()) * 1000)),
    )


def send(stream: TextIO, message: dict[str, Any]) -> None:
    stream.write(json.dumps(message) + "\n")
    stream.flush()


main()
