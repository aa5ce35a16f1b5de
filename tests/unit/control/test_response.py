from __future__ import annotations

import http.server
import json
import threading
import traceback
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest

from code_interpreter_control import response
from code_interpreter_control.event import CustomResourceRequest
from code_interpreter_control.outcome import Outcome

SIGNATURE = "?X-Amz-Signature=secret"
EVENT = {
    "RequestType": "Create",
    "RequestId": "request",
    "StackId": "stack",
    "LogicalResourceId": "resource",
    "ResponseURL": "",
    "ResourceProperties": {},
}


class ResponseBucket(http.server.BaseHTTPRequestHandler):
    """The bucket that receives responses; its first `failures` requests fail."""

    url: str
    failures = 0
    received: list[tuple[Any, bytes]]

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.headers, content))
        failing = len(self.received) <= self.failures
        self.send_response(500 if failing else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def bucket() -> Iterator[type[ResponseBucket]]:
    ResponseBucket.received = []
    ResponseBucket.failures = 0
    with http.server.HTTPServer(("127.0.0.1", 0), ResponseBucket) as server:
        ResponseBucket.url = f"http://127.0.0.1:{server.server_port}/response"
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield ResponseBucket
        server.shutdown()
        thread.join()


def test_the_response_is_sent_with_the_content_type_of_the_signature(bucket: Any) -> None:
    response.send(bucket.url, b"{}")
    [(headers, content)] = bucket.received
    assert headers["Content-Type"] == ""
    assert content == b"{}"


def test_sending_is_repeated_after_failures(bucket: Any) -> None:
    bucket.failures = 2
    pauses: list[float] = []
    response.send(bucket.url, b"{}", sleep=pauses.append)
    assert len(bucket.received) == 3
    assert pauses == [1.0, 2.0]


def test_a_response_that_cannot_be_delivered_is_an_error_without_the_signature(bucket: Any) -> None:
    bucket.failures = 99
    bucket.url += SIGNATURE
    with pytest.raises(urllib.error.HTTPError) as error:
        response.send(bucket.url, b"{}", sleep=lambda _: None)
    error.value.close()
    assert len(bucket.received) == 5
    # Lambda logs the exception that ends a function.
    assert SIGNATURE not in "".join(traceback.format_exception(error.value))


def test_a_success_has_data_and_no_reason() -> None:
    content = json.loads(response.render(request(), Outcome("settled", "id", {"Name": "n"})))
    assert content == {
        "Status": "SUCCESS",
        "PhysicalResourceId": "id",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "resource",
        "Data": {"Name": "n"},
    }


def test_a_failure_has_a_reason() -> None:
    content = json.loads(response.render(request(), Outcome("failed", "id", reason="no such role")))
    assert (content["Status"], content["Reason"]) == ("FAILED", "no such role")


@pytest.mark.parametrize("character", ["x", "\n", "ß", "\U0001f600"])
def test_a_response_is_never_longer_than_the_limit_of_cloudformation(character: str) -> None:
    longest = {
        "StackId": "arn:aws:cloudformation:us-gov-west-1:123456789012:stack/" + "s" * 165,
        "LogicalResourceId": "r" * 255,
    }
    content = response.render(
        request(**longest), Outcome("failed", "p" * 255, reason=character * 10_000)
    )
    assert len(content) <= 4096
    assert json.loads(content)["Reason"].endswith("…")


def request(**fields: str) -> CustomResourceRequest:
    return CustomResourceRequest.from_event({**EVENT, **fields})
