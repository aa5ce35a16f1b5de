"""Every caller that the documents show, with a program that outlasts boto3's own minute."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import boto3
import botocore.httpsession
import pytest

from code_interpreter_client import CodeInterpreter
from examples import plain_boto3
from tests.project import PROJECT

from .scripted_server import Handler, ScriptedServer, respond

# The clock of connections is sixty times as fast, so that boto3's minute takes a second.
FASTER = 60
PROGRAM_SECONDS = 90
RESPONSE = {"status": "ok", "stdout": "42", "files_saved": []}


def after_the_program(handler: Handler) -> None:
    time.sleep(PROGRAM_SECONDS / FASTER)
    respond(RESPONSE)(handler)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a server whose program takes a minute and a half of the fast clock."""
    session_class = botocore.httpsession.URLLib3Session
    start = session_class.__init__

    def fast(self: Any, *args: Any, timeout: Any = None, **options: Any) -> None:
        if isinstance(timeout, tuple):
            connect, read = timeout
            timeout = (connect, read / FASTER)
        start(self, *args, timeout=timeout, **options)

    monkeypatch.setattr(session_class, "__init__", fast)
    with ScriptedServer(after_the_program) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        # The default session keeps the first keys that it found.
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield server


def blocks_with_boto3() -> dict[str, str]:
    """Return the Python programs of the documents that invoke the function with boto3."""
    return {
        f"{path.relative_to(PROJECT)} {number}": block
        for path in [PROJECT / "README.md", *PROJECT.glob("*/*.md"), *PROJECT.glob("docs/**/*.md")]
        for number, block in enumerate(
            re.findall(r"^```python\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)
        )
        if 'boto3.client("lambda"' in block
    }


def run_block(block: str) -> Callable[[], object]:
    return lambda: exec(block, {"function_name": "invoke"})


CALLERS: dict[str, Callable[[], object]] = {
    "the client": lambda: CodeInterpreter.from_function("invoke").session("s").run("6 * 7"),
    "examples/plain_boto3.py": lambda: plain_boto3.invoke(
        "invoke", tool="execute_code", code="6 * 7", idempotency_key="k"
    ),
    **{name: run_block(block) for name, block in blocks_with_boto3().items()},
}


@pytest.mark.parametrize("caller", CALLERS)
def test_a_caller_waits_for_a_long_program_and_sends_it_once(
    caller: str, server: ScriptedServer
) -> None:
    CALLERS[caller]()
    [event] = server.events
    assert event["idempotency_key"]


def test_boto3_alone_would_send_it_again(server: ScriptedServer) -> None:
    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        boto3.client("lambda").invoke(FunctionName="invoke", Payload='{"tool": "execute_code"}')
    assert len(server.events) > 1


def test_every_program_that_uses_boto3_is_a_caller_here() -> None:
    examples = {
        f"examples/{path.name}"
        for path in (PROJECT / "examples").glob("*.py")
        if re.search(r"client\(\s*\"lambda\"", path.read_text())
    }
    assert examples <= set(CALLERS)
    assert any(name.startswith("README.md") for name in CALLERS)
