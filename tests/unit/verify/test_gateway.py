"""The Gateway's part of `make verify`, which the local AWS cannot try."""

from __future__ import annotations

import io
import json
import urllib.request
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import validate_parameters

from verify.experiment import NotTriedError
from verify.experiments.gateway import amazon_header, context_in, session_header, trace_header

if TYPE_CHECKING:
    from verify.context import Context

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


class Gateways:
    """The control plane's Gateway targets: an update ends with a status or an error."""

    def __init__(self, statuses: list[str], error: str | None = None) -> None:
        self._statuses = statuses
        self._error = error
        self.updates: list[dict[str, Any]] = []

    def get_gateway_target(self, **_: str) -> dict[str, Any]:
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        function = {"lambdaArn": "arn", "toolSchema": {"inlinePayload": []}}
        configuration = {"mcp": {"lambda": function}}
        return {"status": status, "name": "verify", "targetConfiguration": configuration}

    def update_gateway_target(self, **given: Any) -> None:
        self.updates.append(given)
        if self._error:
            raise ClientError({"Error": {"Code": self._error}}, "UpdateGatewayTarget")


@pytest.mark.parametrize(
    ("gateways", "outcome"),
    [
        (Gateways(["READY"], "ValidationException"), "holds"),
        (Gateways(["READY", "UPDATING", "UPDATE_UNSUCCESSFUL"]), "holds"),
        (Gateways(["READY", "UPDATING", "READY"]), "differs"),
    ],
)
def test_a_target_may_refuse_the_header_at_once_or_later(
    gateways: Gateways, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    outputs = {"GatewayId": "gateway-1", "TargetId": "TARGET"}
    deployments = SimpleNamespace(outputs=lambda kind: outputs)
    context = SimpleNamespace(control=gateways, deployments=deployments)
    assert amazon_header(cast("Context", context)).outcome == outcome
    [update] = gateways.updates
    model = ServiceModel(Loader().load_service_model("bedrock-agentcore-control", "service-2"))
    validate_parameters(update, model.operation_model("UpdateGatewayTarget").input_shape)
    assert "x-amzn-trace-id" in update["metadataConfiguration"]["allowedRequestHeaders"]


def test_a_header_is_looked_for_in_a_signed_call(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[urllib.request.Request] = []

    def urlopen(request: urllib.request.Request, timeout: float) -> io.BytesIO:
        assert timeout
        sent.append(request)
        return io.BytesIO(MESSAGE.encode())

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    session = SimpleNamespace(get_credentials=lambda: Credentials("key", "secret"))
    outputs = {"GatewayUrl": "https://gateway.example.com/mcp"}
    deployments = SimpleNamespace(outputs=lambda kind: outputs)
    context = SimpleNamespace(session=session, region="eu-west-1", deployments=deployments, run="1")
    # The response has another value of this header, and none of the other.
    assert trace_header(cast("Context", context)).outcome == "differs"
    assert session_header(cast("Context", context)).outcome == "differs"
    headers = {name.lower(): value for name, value in sent[0].headers.items()}
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=key/")
    assert headers["traceparent"].startswith("00-")
