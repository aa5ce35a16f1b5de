"""The lines that `make local` shows."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any

import pytest

from local_aws.activity import EXECUTION_ENVIRONMENT, Activity

FUNCTION = f"Boto3/1.43 exec-env/{EXECUTION_ENVIRONMENT}"


def shown(request: str, status: int, *, user_agent: str = "aws-cli/2", service: str = "s3") -> str:
    """Return what is shown of a request, without times."""
    method, _, path = request.partition(" ")
    headers = {"User-Agent": user_agent}
    if service:
        headers["Authorization"] = f"Credential=KEY/20261127/us-east-1/{service}/aws4_request"
    if not path:
        headers["X-Amz-Target"] = f"Service.{request}"
    scope: Any = {
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def respond(_scope: Any, _receive: Any, send: Any) -> None:
        if status:
            await send({"type": "http.response.start", "status": status})

    async def ignore(*_: Any) -> Any:
        return None

    stream = io.StringIO()
    asyncio.run(Activity(stream).serve(respond, scope, ignore, ignore))
    return re.sub(r"^[0-9:]{8} | \(\d+ ms\)\n$", "", stream.getvalue())


@pytest.mark.parametrize(
    ("request_", "status", "options", "line"),
    [
        ("GET /bucket/key", 200, {}, "200 s3 GET /bucket/key"),
        ("GET /bucket/key", 404, {}, "404 s3 GET /bucket/key"),
        ("CreateQueue", 200, {"service": "sqs"}, "200 sqs CreateQueue"),
        ("GET /bucket/key", 200, {"user_agent": FUNCTION}, ""),
        ("GET /bucket/key", 404, {"user_agent": FUNCTION}, ""),
        ("PUT /bucket/key", 412, {"user_agent": FUNCTION}, ""),
        ("GET /bucket/key", 403, {"user_agent": FUNCTION}, "403 s3 GET /bucket/key"),
        (
            "GetParameter",
            400,
            {"user_agent": FUNCTION, "service": "ssm"},
            "400 ssm GetParameter",
        ),
        ("GET /bucket/key", 503, {"user_agent": FUNCTION}, "503 s3 GET /bucket/key"),
        ("GET /bucket/key", 0, {"user_agent": FUNCTION}, "no response s3 GET /bucket/key"),
        ("DescribeStacks", 200, {"service": "cloudformation"}, ""),
        ("DescribeStacks", 400, {"service": "cloudformation"}, ""),
        ("DescribeStacks", 403, {"service": "cloudformation"}, "403 cloudformation DescribeStacks"),
        ("DeleteStack", 200, {"service": "cloudformation"}, "200 cloudformation DeleteStack"),
        ("GET /_ministack/health", 200, {"service": ""}, ""),
        ("POST /_agentcore/faults", 200, {"service": ""}, "200 POST /_agentcore/faults"),
    ],
)
def test_a_line_is_shown_for_the_requests_of_callers_and_for_what_is_denied(
    request_: str, status: int, options: dict[str, str], line: str
) -> None:
    assert shown(request_, status, **options) == line


@pytest.mark.parametrize(
    ("logged", "line"),
    [
        ("[INFO]\t2026-11-27 03:16:39,144\ttool=execute_code\tx", "[INFO] tool=execute_code\tx"),
        ("[ERROR]\t2026-11-27T03:16:39.144Z\tTypeError", "[ERROR] TypeError"),
        ("it ran", "it ran"),
    ],
)
def test_a_line_of_a_function_has_one_time(logged: str, line: str) -> None:
    stream = io.StringIO()
    Activity(stream).log("a-function", f"{logged}\n")
    assert re.fullmatch(rf"[0-9:]{{8}} a-function: {re.escape(line)}\n", stream.getvalue())
