"""AgentCore and S3 for two tenants over HTTP: the function's own clients, and the local AWS."""

from __future__ import annotations

import base64
import itertools
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from unittest import mock
from urllib.error import HTTPError
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import Request, urlopen

from botocore.awsrequest import AWSPreparedRequest

from code_interpreter_invoke.clients import Clients, connect
from code_interpreter_invoke.sandbox.sandbox import MAX_OPERATION_BYTES
from local_aws import LocalAws

from .services import Observer, Sent, Services

AGENTCORE = "bedrock-agentcore"
DATA_PLANE = (
    "GetCodeInterpreterSession",
    "InvokeCodeInterpreter",
    "ListCodeInterpreterSessions",
    "StartCodeInterpreterSession",
    "StopCodeInterpreterSession",
)
SESSION_HEADER = "x-amzn-code-interpreter-session-id"
# The files in a request, which are in base64.
BLOB = re.compile(r'"blob": ?"([A-Za-z0-9+/=]+)"')

# One for each run: a new one has no sandboxes of earlier runs.
accounts = itertools.count(320_000_000_000)


@contextmanager
def over(aws: LocalAws) -> Iterator[Callable[[], Services]]:
    """Return a function that makes the services, in an account of their own of a local AWS."""
    account = Account(aws, str(next(accounts)))
    with mock.patch.dict(os.environ, aws.environment(account.id)):
        yield lambda: OverHttp(account)
    account.close()


class Account:
    """The account of all examples, and clients of the test's own."""

    def __init__(self, aws: LocalAws, account: str) -> None:
        self.id = account
        self.emulator = aws.agentcore
        self.s3 = aws.client("s3", account)
        self.data = aws.client(AGENTCORE, account)
        self.control = aws.client("bedrock-agentcore-control", account)
        self.numbers = itertools.count()

    def close(self) -> None:
        for client in (self.s3, self.data, self.control):
            client.close()


class OverHttp:
    """A code interpreter and a bucket for one example."""

    large = MAX_OPERATION_BYTES + 1

    def __init__(self, account: Account) -> None:
        self._account = account
        self._opened: list[Clients] = []
        # The requests to AgentCore: those of the functions, and those of the test.
        self._read = self._own = 0
        number = next(account.numbers)
        self.bucket = f"tenants-{account.id}-{number}"
        account.s3.create_bucket(Bucket=self.bucket)
        created: dict[str, Any] = account.control.create_code_interpreter(
            name=f"tenants{number}", networkConfiguration={"networkMode": "PUBLIC"}
        )
        self.interpreter = str(created["codeInterpreterId"])
        while self._status() != "READY":
            time.sleep(0.05)

    def _status(self) -> str:
        found = self._account.control.get_code_interpreter(codeInterpreterId=self.interpreter)
        return str(found["status"])

    def clients(self, observer: Observer) -> Clients:
        clients = connect()
        self._opened.append(clients)

        def tell(request: AWSPreparedRequest, event_name: str, **_more: Any) -> None:
            _, service, operation = event_name.split(".")
            self._read += service == AGENTCORE
            observer.sent(read(request, service, operation))

        def note(parsed: dict[str, Any], **_more: Any) -> None:
            if "sessionId" in parsed:
                observer.started(parsed["sessionId"])

        for client in clients:
            client.meta.events.register("before-send", tell)
        started = f"after-call.{AGENTCORE}.StartCodeInterpreterSession"
        clients.agentcore.meta.events.register(started, note)
        return clients

    def put(self, key: str, content: bytes) -> None:
        self._account.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def use(self, method: str, url: str) -> str:
        body = b"12345" if method == "PUT" else None
        try:
            with urlopen(Request(url, data=body, method=method), timeout=10) as response:
                return str(response.read().decode(errors="replace"))
        except HTTPError as error:
            return error.read().decode(errors="replace")

    def place_of(self, url: str) -> tuple[str, str]:
        return place_of(url)

    def end_sandboxes(self) -> None:
        for session in self._account.emulator.state()["sessions"]:
            is_ours = session["codeInterpreterIdentifier"] == self.interpreter
            if is_ours and session["status"] == "READY":
                self._own += 1
                self._account.data.stop_code_interpreter_session(
                    codeInterpreterIdentifier=self.interpreter, sessionId=session["sessionId"]
                )

    def close(self) -> None:
        """End the sandboxes, and remove the bucket.

        :raises AssertionError: if the emulator has received a request that was not read.
        """
        self.end_sandboxes()
        s3 = self._account.s3
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for found in page.get("Contents", []):
                s3.delete_object(Bucket=self.bucket, Key=found["Key"])
        s3.delete_bucket(Bucket=self.bucket)
        for clients in self._opened:
            for client in clients:
                client.close()
        received = [
            call
            for call in self._account.emulator.calls()
            if call["code_interpreter_id"] == self.interpreter and call["operation"] in DATA_PLANE
        ]
        sent = self._read + self._own
        assert len(received) == sent, f"{sent} requests read, and {len(received)} received"


def read(request: AWSPreparedRequest, service: str, operation: str) -> Sent:
    """Read a request as it is about to be sent."""
    content = request.body.getvalue() if isinstance(request.body, BytesIO) else request.body
    body = (content or b"").decode(errors="replace")
    blobs = [base64.b64decode(blob).decode(errors="replace") for blob in BLOB.findall(body)]
    text = "\n".join([unquote(request.url), str(dict(request.headers)), body, *blobs])
    query = parse_qs(urlsplit(request.url).query)
    if service == AGENTCORE:
        [session_id] = query.get("sessionId", [request.headers.get(SESSION_HEADER)])
        session_id = session_id.decode() if isinstance(session_id, bytes) else session_id
        return Sent(operation, text, session_id=session_id)
    bucket, key = place_of(request.url)
    keys = tuple(query.get("prefix", []) + query.get("start-after", [])) or (key,)
    return Sent(operation, text, bucket, keys)


def place_of(url: str) -> tuple[str, str]:
    """Return the bucket and the key of a request to S3, whose host may be the bucket's."""
    parts = urlsplit(url)
    bucket, _, key = unquote(parts.path).removeprefix("/").partition("/")
    return bucket, key
