"""Serve MiniStack and the emulator as one ASGI application.

Importing this module imports MiniStack, which reads its settings from the environment then.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from ministack import app as ministack
from ministack.core import hypercorn_compat
from ministack.core import lambda_runtime as ministack_lambda

from agentcore_emulator.assignments import assign
from agentcore_emulator.certificates import certificate_variables
from agentcore_emulator.http.app import create_app
from agentcore_emulator.origin import NOT_LOCAL, is_local
from agentcore_emulator.sandbox import SandboxSettings
from agentcore_emulator.settings import EmulatorSettings
from local_aws import ministack_patches
from local_aws.activity import SIGNED_SERVICE
from local_aws.ministack_patches import (
    authorization,
    custom_resources,
    lambda_runtime,
    presigned_urls,
    resolver_types,
    s3_condition_keys,
    vpc_endpoints,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agentcore_emulator.http.exchange import Receive, Scope, Send
    from local_aws.activity import Activity

# The access decisions so far, MiniStack's and the emulator's, as JSON.
DECISIONS_PATH = "/_local_aws/decisions"
CLOCK_PATH = "/_agentcore/clock"


class LocalAwsApp:
    """Route each request to the emulator or to MiniStack.

    `sessions` is the directory of the sandboxes. `enforce_policies` makes the emulator evaluate IAM
    policies. `emulator_settings` are assignments to the emulator's settings, such as
    `hook_output=false`. `activity` is told about requests and about what the functions log.
    """

    def __init__(
        self,
        *,
        lambda_python: Path,
        sandbox_python: Path | None,
        sessions: Path,
        enforce_policies: bool,
        emulator_settings: Iterable[str] = (),
        activity: Activity | None = None,
    ) -> None:
        hypercorn_compat.install()
        ministack_patches.install(
            lambda_python=lambda_python,
            clock=lambda: self._emulator.clock,
            log=activity.log if activity else None,
        )
        self._activity = activity
        self._emulator = create_app(
            assign(
                EmulatorSettings(directory=sessions, sandbox=sandbox_settings(sandbox_python)),
                emulator_settings,
            ),
            authorization.authorize if enforce_policies else None,
            resolve_account=authorization.account_of,
            roles=authorization.IamRoles(enforce_policies=enforce_policies),
        )

    async def startup(self) -> None:
        await self._emulator.startup()

    async def shutdown(self) -> None:
        """End the sandboxes and the Lambda functions."""
        await self._emulator.shutdown()
        ministack_lambda.reset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await ministack.app(scope, receive, send)
        elif self._activity:
            await self._activity.serve(self._respond, scope, receive, send)
        else:
            await self._respond(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope["path"]
        if not is_local(headers):
            # MiniStack serves web pages of any origin, and never checks the root key's signature.
            await send_json(send, {"message": NOT_LOCAL}, status=403)
        elif self._emulator.handles(path) or is_foreign_tag_request(path, headers):
            if path == CLOCK_PATH:
                await presigned_urls.wait_for_next_second()
            await self._emulator(scope, receive, send)
        elif path == DECISIONS_PATH:
            await send_json(send, authorization.recorded_decisions())
        else:
            if path == "/_ministack/reset":
                authorization.decisions.clear()
                resolver_types.resources.clear()
                await self._emulator.reset()
            lambda_runtime.remember_client_context(headers.get("x-amz-client-context"))
            custom_resources.remember_response_size(headers.get("content-length"))
            s3_condition_keys.remember_request(
                headers, scope["query_string"], self._emulator.clock.elapsed_since
            )
            vpc_endpoints.remember_request(
                scope.get("client"), scope["server"], self._vpc_sandboxes
            )
            # Treat loopback as TLS: bucket policies that require TLS would deny plain HTTP.
            secured = [*scope["headers"], (b"x-forwarded-proto", b"https")]
            await ministack.app({**scope, "headers": secured}, receive, send)

    def _vpc_sandboxes(self) -> list[vpc_endpoints.VpcSandbox]:
        return [
            vpc_endpoints.VpcSandbox(session.owner, subnet_ids, session.process_ids)
            for session, subnet_ids in self._emulator.sessions_in_vpcs()
        ]


def is_foreign_tag_request(path: str, headers: dict[str, str]) -> bool:
    """Tell whether AgentCore is asked for the tags of another service's resource, and refuses."""
    signed = SIGNED_SERVICE.search(headers.get("authorization", ""))
    return (
        signed is not None
        and signed.group(1) == "bedrock-agentcore"
        and path.startswith("/tags/")
        and ":bedrock-agentcore:" not in path
    )


def sandbox_settings(python: Path | None) -> SandboxSettings:
    """Return the settings of sandboxes whose programs call this local AWS."""
    endpoint = {"AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"]}
    environment = {**certificate_variables(), **endpoint}
    if python is None:
        return SandboxSettings(environment=environment)
    return SandboxSettings(environment=environment, python=python)


async def send_json(send: Send, content: Any, status: int = 200) -> None:
    body = json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
