"""The function in sandboxes with settings of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agentcore_emulator.sandbox import LocalSandbox, SandboxSettings
from code_interpreter_invoke.application import Application
from code_interpreter_invoke.clients import connect
from code_interpreter_invoke.settings import Settings
from local_aws import LocalAws
from tests.fakes.lambda_context import Context
from tests.integration.emulator.serving import serving

Function = Callable[[dict[str, Any]], dict[str, Any]]


@contextmanager
def function_with_sandboxes(
    settings: SandboxSettings, aws: LocalAws, account: str
) -> Iterator[Function]:
    """Connect the function to an emulator of its own, and to the bucket of a local AWS."""
    bucket = f"workspace-{account}"
    s3 = aws.client("s3", account)
    s3.create_bucket(Bucket=bucket)
    s3.close()
    with (
        serving(start_sandbox=lambda folder, _: LocalSandbox.start(folder, settings)) as served,
        pytest.MonkeyPatch.context() as monkeypatch,
    ):
        for name, value in aws.environment(account).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_AGENTCORE", served.endpoint)
        clients = connect()
        application = Application(
            Settings("aws.codeinterpreter.v1", bucket, "workspace", "sessions/", 900), clients
        )
        yield lambda event: application.handle(event, Context())
        for client in clients:
            client.close()
