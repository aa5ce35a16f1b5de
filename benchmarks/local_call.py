"""Measure a warm `executeCode("pass")` over HTTP beside the same kernel without an emulator."""

from __future__ import annotations

import http.client
import json
import statistics
import sys
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.sessions import SYSTEM, bare_kernel, milliseconds, start, stop, timed
from local_aws import LocalAws

ROUNDS = 300


class Round(NamedTuple):
    """Seconds of one round, in which the two sides follow each other."""

    over_http: float
    bare_kernel: float


def measure(rounds: int = ROUNDS) -> list[Round]:
    with LocalAws() as aws, bare_kernel() as kernel:
        data = aws.client("bedrock-agentcore")
        identifier = start(data)
        invoke = invoke_over_http(aws, identifier)
        measured = [
            Round(
                over_http=timed(invoke),
                bare_kernel=timed(lambda: kernel.execute("pass", reply=True, timeout=10)),
            )
            for _ in range(rounds)
        ]
        stop(data, identifier)
    return measured


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


def ratio(rounds: list[Round]) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(ours / bare for ours, bare in rounds)


def main() -> None:
    rounds = measure()
    for name, seconds in zip(Round._fields, zip(*rounds, strict=True), strict=True):
        sys.stdout.write(f"warm executeCode, {name:<27}{milliseconds(seconds)}\n")
    sys.stdout.write(f"{'ratio':<45}{ratio(rounds):.2f}\n")


if __name__ == "__main__":
    main()
