"""The client context in the Gateway's responses, in both forms of MCP over HTTP."""

from __future__ import annotations

import json

import pytest

from verify.experiment import NotTriedError
from verify.experiments.gateway import context_in

CONTEXT = {"bedrockAgentCorePropagatedHeaders": {"traceparent": "00-1-2-01"}}
MESSAGE = json.dumps(
    {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"text": json.dumps(CONTEXT)}]}}
)


@pytest.mark.parametrize("text", [MESSAGE, f"event: message\ndata: {MESSAGE}\n\n"])
def test_the_context_is_found(text: str) -> None:
    assert context_in(text) == CONTEXT


@pytest.mark.parametrize(
    ("text", "message"),
    [('{"error": {"code": -32602}}', "-32602"), ("event: ping\n\n", "no message")],
)
def test_a_response_without_a_result_is_no_finding(text: str, message: str) -> None:
    with pytest.raises(NotTriedError, match=message):
        context_in(text)
