"""The headers that AgentCore Gateway hands to a Lambda target."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from verify.context import wait
from verify.experiment import Finding, NotTriedError, holds, holds_if
from verify.names import HEADERS

if TYPE_CHECKING:
    from verify.context import Context

SESSION_HEADER, TRACE_HEADER = HEADERS
AMAZON_HEADER = "x-amzn-trace-id"
UPDATE_SECONDS = 120
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def session_header(context: Context) -> Finding:
    return handed_over(context, SESSION_HEADER, f"verify-{context.run}")


def trace_header(context: Context) -> Finding:
    return handed_over(context, TRACE_HEADER, TRACE)


def amazon_header(context: Context) -> Finding:
    """Ask the target to hand over a header that begins with x-amzn-."""
    outputs = context.deployments.outputs("Gateway")
    control = context.control
    target = {"gatewayIdentifier": outputs["GatewayId"], "targetId": outputs["TargetId"]}
    found = control.get_gateway_target(**target)
    kept = ("name", "description", "targetConfiguration", "credentialProviderConfigurations")
    refused = ("FAILED", "UPDATE_UNSUCCESSFUL")

    def settled() -> Any:
        read = control.get_gateway_target(**target)
        return read if read["status"] in ("READY", *refused) else None

    try:
        control.update_gateway_target(
            **target,
            **{name: found[name] for name in kept if name in found},
            metadataConfiguration={"allowedRequestHeaders": [*HEADERS, AMAZON_HEADER]},
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return holds(f"a target with {AMAZON_HEADER} is refused: {code}")
    updated = wait(settled, UPDATE_SECONDS, "the target stayed UPDATING")
    return holds_if(
        updated["status"] in refused,
        f"a target with {AMAZON_HEADER} became {updated['status']} {updated.get('statusReasons')}",
    )


def handed_over(context: Context, header: str, value: str) -> Finding:
    """Call the target's tool with a header, and look for it in the client context."""
    url = context.deployments.outputs("Gateway")["GatewayUrl"]
    custom = call(context, url, {header: value})
    headers = custom.get("bedrockAgentCorePropagatedHeaders") or {}
    found = {name.lower(): given for name, given in headers.items()}
    return holds_if(
        found.get(header) == value,
        f"the client context has {sorted(custom)}, and the headers {sorted(found)}",
    )


def call(context: Context, url: str, headers: dict[str, str]) -> dict[str, Any]:
    """Call the tool through the Gateway's MCP endpoint, and return the client context.

    :raises NotTriedError: if the Gateway's response has no result.
    """
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "verify___echo", "arguments": {}},
    }
    request = AWSRequest(
        method="POST",
        url=url,
        data=json.dumps(body),
        headers={
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **headers,
        },
    )
    credentials = context.session.get_credentials().get_frozen_credentials()
    SigV4Auth(credentials, "bedrock-agentcore", context.region).add_auth(request)
    prepared = request.prepare()
    sent = urllib.request.Request(  # noqa: S310 - the Gateway's URL, from the stack's outputs
        prepared.url, data=body_bytes(prepared.body), headers=dict(prepared.headers.items())
    )
    with urllib.request.urlopen(sent, timeout=60) as response:  # noqa: S310 - as above
        return context_in(response.read().decode())


def body_bytes(body: str | bytes) -> bytes:
    return body if isinstance(body, bytes) else body.encode()


def context_in(text: str) -> dict[str, Any]:
    """Return the client context in the Gateway's response, which is JSON or an event of SSE."""
    for line in text.splitlines():
        document = line.removeprefix("data:").strip()
        if document.startswith("{"):
            message = json.loads(document)
            if "result" in message:
                [block] = message["result"]["content"]
                found: dict[str, Any] = json.loads(block["text"])
                return found
            raise NotTriedError(f"the Gateway responded with {message.get('error')}")
    raise NotTriedError("the Gateway's response has no message")
