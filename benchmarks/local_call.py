"""A warm `executeCode("pass")` over HTTP, against the same kernel without an emulator."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from functools import partial

from benchmarks.figures import Figure, in_turn, median, ratio
from benchmarks.sessions import SYSTEM, bare_kernel, start, stop, timed
from local_aws import LocalAws

ROUNDS = 300


def measure() -> list[Figure]:
    with LocalAws() as aws, bare_kernel() as kernel:
        data = aws.client("bedrock-agentcore")
        identifier = start(data)
        execute = partial(kernel.execute, "pass", reply=True, timeout=10)
        sides: dict[str, Callable[[], float]] = {
            "http": partial(timed, invoke_over_http(aws, identifier)),
            "kernel": partial(timed, execute),
        }
        rounds = in_turn(sides, ROUNDS)
        stop(data, identifier)
    over_http, bare = (median(rounds, name) * 1000 for name in sides)
    return [
        Figure(
            "a warm `executeCode` of the local AWS",
            "the same kernel through jupyter_client",
            f"{ratio(rounds, 'http', 'kernel'):.2f} ({over_http:.1f} ms against {bare:.1f} ms)",
            "-",
        )
    ]


def invoke_over_http(aws: LocalAws, identifier: str) -> Callable[[], None]:
    """Return a function that sends the request on an open connection, without an SDK's time."""
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
        response = connection.getresponse()
        compact = response.read().replace(b" ", b"")
        if response.status != 200 or b'"exitCode":0' not in compact:
            raise RuntimeError(f"the call failed with {response.status}")

    return invoke
