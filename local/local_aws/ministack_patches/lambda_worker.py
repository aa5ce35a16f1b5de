"""Runs one Lambda function's handler; the local AWS starts it with the Lambda interpreter.

Never imported: its text is what MiniStack writes beside the function's code. It speaks
MiniStack's line protocol (an `init` line, then one envelope a line in, one answer a line out)
and answers as the managed runtime does, so that callers see the same failures as on AWS:
the exception's class as `errorType`, its `stackTrace`, an import that fails as
`Runtime.ImportModuleError`, and an execution environment that survives its handler's exceptions.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import time
import traceback
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[Any, Any], Any]

# Lambda's quota for the answer of a synchronous invocation, in bytes.
MAXIMUM_RESPONSE = 6 * 1024 * 1024 + 100


def main() -> None:
    answers = sys.stdout
    sys.stdout = sys.stderr  # print() goes to the log; the real stdout carries the protocol
    init = json.loads(sys.stdin.readline())
    sys.path.insert(0, init["code_dir"])
    os.environ["LAMBDA_TASK_ROOT"] = init["code_dir"]
    log_to_stderr()
    handler = load(init["module"], init["handler"])
    answer(answers, {"status": "ready"})
    for line in sys.stdin:
        envelope = json.loads(line)
        answer(answers, {"status": "ok", "result": invoke(handler, envelope, init)})


def log_to_stderr() -> None:
    """What the managed runtime sets up: a handler on the root logger, level WARNING."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("[%(levelname)s]\t%(asctime)s\t%(message)s"))
    logging.getLogger().addHandler(handler)


def load(module: str, name: str) -> Handler:
    """The handler, or a stand-in that answers every invocation with the failed import."""
    try:
        return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]
    except Exception as failure:
        cause = failure

        def handler(event: Any, context: Any) -> Any:  # noqa: ARG001 - the handler's signature
            raise ImportModuleError(f"Unable to import module '{module}': {cause}") from cause

        return handler


class ImportModuleError(Exception):
    """The function's module could not be imported."""


def invoke(handler: Handler, envelope: dict[str, Any], init: dict[str, Any]) -> dict[str, Any]:
    """`{"payload": ...}` or `{"error": ...}`; local_aws.lambda_runtime unwraps it."""
    event, context = envelope["event"], envelope["ctx"]
    try:
        result = handler(event["event"], make_context(event, context, init))
        size = len(json.dumps(result).encode())
    except Exception as failure:
        return {"error": describe(failure, context["request_id"])}
    if size > MAXIMUM_RESPONSE:
        limit = f"maximum allowed payload size ({MAXIMUM_RESPONSE} bytes)"
        message = f"Response payload size exceeded {limit}."
        return {"error": {"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}}
    return {"payload": result}


def describe(failure: Exception, request_id: str) -> dict[str, Any]:
    name = type(failure).__name__
    return {
        "errorMessage": str(failure),
        "errorType": f"Runtime.{name}" if isinstance(failure, ImportModuleError) else name,
        "requestId": request_id,
        "stackTrace": traceback.format_tb(failure.__traceback__),
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


def answer(stream: TextIO, message: dict[str, Any]) -> None:
    stream.write(json.dumps(message) + "\n")
    stream.flush()


main()
