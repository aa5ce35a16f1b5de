"""The comparison finds differences that botocore's own parser ignores."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from tests.conformance.shapes import differences

RIGHT: dict[str, Any] = {
    "codeInterpreterIdentifier": "aws.codeinterpreter.v1",
    "sessionId": "01K1PPWYE373Z99SS2A8ABW0TX",
    "createdAt": "2026-01-02T03:04:05.123456Z",
    "sessionTimeoutSeconds": 900,
    "status": "READY",
    "certificates": [{"location": {"secretsManager": {"secretArn": "arn"}}}],
}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"extra": 1}, ["$.extra: not in GetCodeInterpreterSessionResponse"]),
        ({"status": "ACTIVE"}, ["$.status: 'ACTIVE' is not one of ['READY', 'TERMINATED']"]),
        ({"sessionTimeoutSeconds": "900"}, ["$.sessionTimeoutSeconds: str is not integer"]),
        ({"sessionTimeoutSeconds": True}, ["$.sessionTimeoutSeconds: bool is not integer"]),
        ({"createdAt": 1.5}, ["$.createdAt: float is not timestamp"]),
        ({"createdAt": "today"}, ["$.createdAt: 'today' is not an ISO 8601 timestamp"]),
        ({"certificates": [{}]}, ["$.certificates[0].location: required by Certificate"]),
        ({"name": None}, ["$.name: NoneType is not string"]),
    ],
)
def test_every_difference_from_the_model_is_found(change: dict[str, Any], found: list[str]) -> None:
    client = boto3.client(
        "bedrock-agentcore",
        region_name="eu-west-1",
        aws_access_key_id="unused",
        aws_secret_access_key="unused",
    )
    operation = client.meta.service_model.operation_model("GetCodeInterpreterSession")
    assert differences(operation.output_shape, RIGHT | change) == found
    assert differences(operation.output_shape, {}) != []
