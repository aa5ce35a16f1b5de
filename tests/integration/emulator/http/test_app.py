"""The HTTP side, with plain `http.client` where boto3 would hide it."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from agentcore_emulator.model.errors import AccessDeniedError
from agentcore_emulator.service.authorization import AccessRequest
from tests.integration.emulator.serving import ACCOUNT, REGION, Served, serving, wait_until

SESSION_HEADER = "x-amzn-code-interpreter-session-id"
SIGNED = f"AWS4-HMAC-SHA256 Credential={{}}/20260101/{REGION}/bedrock-agentcore/aws4_request, Sig="


def request(
    served: Served, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Send a request and return the status, headers and body of the response."""
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)) as connection:
        data = json.dumps(body) if body is not None else None
        connection.request(method, path, data, headers or {})
        response = connection.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        return response.status, received, response.read()


def invoke_path(session: dict[str, str]) -> str:
    return f"/code-interpreters/{session['codeInterpreterIdentifier']}/tools/invoke"


def start_raw(served: Served, **headers: str) -> dict[str, str]:
    path = "/code-interpreters/aws.codeinterpreter.v1/sessions/start"
    status, _, body = request(served, "PUT", path, {}, headers)
    assert status == 200
    started: dict[str, str] = json.loads(body)
    return started


def test_the_request_of_the_api_reference_from_http_client(served: Served) -> None:
    session = start_raw(served)
    status, headers, body = request(
        served,
        "POST",
        invoke_path(session),
        {"name": "executeCode", "arguments": {"code": "print(1)", "language": "python"}},
        {SESSION_HEADER: session["sessionId"], "Content-Type": "application/json"},
    )
    assert status == 200
    assert headers["content-type"] == "application/vnd.amazon.eventstream"
    assert headers["transfer-encoding"] == "chunked"
    assert headers[SESSION_HEADER] == session["sessionId"]
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    (message,) = list(buffer)
    assert message.headers == {
        ":message-type": "event",
        ":event-type": "result",
        ":content-type": "application/json",
    }
    assert json.loads(message.payload) == {
        "content": [{"type": "text", "text": "executeCode"}],
        "isError": False,
    }


def test_an_error_on_the_wire(served: Served) -> None:
    status, headers, body = request(served, "PUT", "/code-interpreters", {"name": "a-b"})
    assert status == 400
    assert headers["x-amzn-errortype"] == "ValidationException"
    assert headers["content-type"] == "application/json"
    assert headers["x-amzn-requestid"]
    document = json.loads(body)
    assert document["reason"] == "FieldValidationFailed"
    assert [field["name"] for field in document["fieldList"]] == ["networkConfiguration", "name"]


def test_timestamps_are_iso_8601(served: Served) -> None:
    created_at = start_raw(served)["createdAt"]
    assert created_at[4] == created_at[7] == "-"
    assert (created_at[10], created_at[-1]) == ("T", "Z")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/code-interpreters"), ("PUT", "/tags/a/b")]
)
def test_an_unknown_operation(served: Served, method: str, path: str) -> None:
    status, headers, _ = request(served, method, path)
    assert (status, headers["x-amzn-errortype"]) == (404, "UnknownOperationException")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:1", 404),
        ("127.0.0.1", 404),
        ("[::1]:8080", 404),
        ("agentcore.localhost", 404),
        ("attacker.example", 403),
        ("127.0.0.1.attacker.example", 403),
        ("localhost.attacker.example:80", 403),
    ],
)
def test_refuses_a_host_name_that_is_not_this_machine(
    served: Served, host: str, status: int
) -> None:
    assert request(served, "GET", "/nothing", headers={"Host": host})[0] == status


@pytest.mark.parametrize("origin", ["https://attacker.example", "null"])
def test_refuses_a_web_page(served: Served, origin: str) -> None:
    served.session()
    for path in ("/_agentcore/reset", "/code-interpreters/aws.codeinterpreter.v1/sessions/list"):
        assert request(served, "POST", path, {}, {"Origin": origin})[0] == 403
    assert served.sandboxes[0].closed == 0


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:8000"])
def test_serves_a_page_of_this_machine(served: Served, origin: str) -> None:
    assert request(served, "GET", "/_agentcore/state", headers={"Origin": origin})[0] == 200


@pytest.mark.parametrize("within", [True, False])
def test_the_largest_body(within: bool) -> None:
    with serving(payload_bytes=200_000) as served:
        session = start_raw(served)
        body = {
            "name": "executeCode",
            "arguments": {"code": "a" * (150_000 if within else 250_000)},
        }
        headers = {SESSION_HEADER: session["sessionId"]}
        status, _, text = request(served, "POST", invoke_path(session), body, headers)
        assert status == (200 if within else 400)
        assert (b"larger than 200000 bytes" in text) == (not within)


def test_account_and_region_come_from_the_signature() -> None:
    keys = {"ASIAEXAMPLE": "444455556666"}
    with serving(resolve_account=keys.get, default_region="ap-south-1") as served:
        for access_key in (ACCOUNT, "ASIAEXAMPLE", "AKIAUNKNOWN"):
            start_raw(served, Authorization=SIGNED.format(access_key))
        start_raw(served)
        owners = [
            (call["account"], call["region"]) for call in served.local("GET", "calls")["calls"]
        ]
    assert owners == [
        (ACCOUNT, REGION),
        ("444455556666", REGION),
        ("000000000000", REGION),
        ("000000000000", "ap-south-1"),
    ]


def test_a_request_that_authorize_refuses_takes_no_effect() -> None:
    asked: list[AccessRequest] = []

    def authorize(access: AccessRequest) -> None:
        asked.append(access)
        if access.action.endswith(":StopCodeInterpreterSession"):
            raise AccessDeniedError("no policy allows it")

    with serving(authorize=authorize) as served:
        data, session = served.data(), served.session()
        with pytest.raises(data.exceptions.AccessDeniedException, match="no policy allows it"):
            data.stop_code_interpreter_session(**session)
        assert data.get_code_interpreter_session(**session)["status"] == "READY"
    assert [access.action for access in asked] == [
        "bedrock-agentcore:StartCodeInterpreterSession",
        "bedrock-agentcore:StopCodeInterpreterSession",
        "bedrock-agentcore:GetCodeInterpreterSession",
    ]
    assert {(access.access_key, access.account, access.region) for access in asked} == {
        (ACCOUNT, ACCOUNT, REGION)
    }


def test_rates_are_enforced_when_switched_on() -> None:
    with serving(enforce_rates=True, calls_per_second=3) as served:
        control = served.control()
        for _ in range(3):
            control.list_code_interpreters()
        with pytest.raises(control.exceptions.ThrottlingException) as error:
            control.list_code_interpreters()
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
        served.advance(1)
        control.list_code_interpreters()


def test_a_client_that_leaves_does_not_end_what_it_started(served: Served) -> None:
    session = start_raw(served)
    body = json.dumps({"name": "executeCode", "arguments": {"code": "block"}}).encode()
    head = (
        f"POST {invoke_path(session)} HTTP/1.1\r\nHost: localhost\r\n"
        f"{SESSION_HEADER}: {session['sessionId']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(head.encode() + body)
        wait_until(lambda: bool(served.sandboxes[0].invoked))
    served.release()
    wait_until(lambda: served.calls("InvokeCodeInterpreter")[0]["took_effect"])
    assert served.local("GET", "state")["sessions"][0]["callsInFlight"] == 0


@pytest.mark.parametrize("kind", ["reset", "stream_reset"])
def test_a_reset_is_a_real_one(served: Served, kind: str) -> None:
    """The client's kernel sees RST, not an orderly end of the connection."""
    session = start_raw(served)
    served.inject(operation="InvokeCodeInterpreter", kind=kind)
    with pytest.raises(ConnectionResetError) as error:
        request(
            served,
            "POST",
            invoke_path(session),
            {"name": "listFiles"},
            {SESSION_HEADER: session["sessionId"]},
        )
    # Not its subclass RemoteDisconnected, which stands for an orderly end.
    assert error.type is ConnectionResetError
    # Only that connection was reset.
    assert request(served, "GET", "/_agentcore/state")[0] == 200


def test_resets_leave_no_descriptor_open(served: Served) -> None:
    def descriptors() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    served.inject(operation="*", kind="reset", count=20)
    before = descriptors()
    for _ in range(20):
        with pytest.raises(ConnectionResetError):
            start_raw(served)
    wait_until(lambda: descriptors() <= before)
