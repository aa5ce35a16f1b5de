"""With a part of botocore's data and handlers, the clients act as with all of them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError
from botocore.loaders import Loader

from code_interpreter_invoke.clients import Bucket, Clients, botocore_clients, connect
from code_interpreter_invoke.clients.pruned_data import PrunedData
from code_interpreter_invoke.deadline import Deadline

INTERPRETER = "analysis-0123456789"
OWN_SERVER = {"AWS_ENDPOINT_URL": "https://127.0.0.1:9"}
OWN_S3 = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
FIPS = {"AWS_USE_FIPS_ENDPOINT": "true"}
DUAL_STACK = {"AWS_USE_DUALSTACK_ENDPOINT": "true"}


class Sent(NamedTuple):
    """A request as it goes over the wire."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


AGENTCORE_CALLS: dict[str, dict[str, Any]] = {
    "start_code_interpreter_session": {"clientToken": "t" * 40, "sessionTimeoutSeconds": 900},
    "stop_code_interpreter_session": {"sessionId": "s", "clientToken": "t" * 40},
    "get_code_interpreter_session": {"sessionId": "s"},
    "list_code_interpreter_sessions": {"status": "READY", "maxResults": 5},
    "invoke_code_interpreter": {
        "sessionId": "s",
        "name": "executeCode",
        "arguments": {
            "code": "pass",
            "language": "python",
            "content": [{"blob": b"\0", "path": "p"}],
        },
        "traceId": "trace",
    },
}
PARTS = {"Parts": [{"ETag": '"e"', "PartNumber": 1}]}
S3_CALLS: dict[str, dict[str, Any]] = {
    "get_object": {"Key": "a b/ü", "Range": "bytes=0-4"},
    "head_object": {"Key": "k"},
    "put_object": {"Key": "k", "Body": b"body", "ContentType": "text/plain", "IfNoneMatch": "*"},
    "list_objects_v2": {"Prefix": "w/s/", "StartAfter": "w/s/a+b"},
    "delete_object": {"Key": "k"},
    "create_multipart_upload": {"Key": "k", "ContentType": "text/plain"},
    "upload_part": {"Key": "k", "UploadId": "u", "PartNumber": 1, "Body": b"part"},
    "complete_multipart_upload": {"Key": "k", "UploadId": "u", "MultipartUpload": PARTS},
    "head_bucket": {},
}


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the clients credentials, and signatures of one moment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    moment = datetime(2026, 11, 26, tzinfo=UTC).replace(tzinfo=None)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: moment)


@cache
def all_data() -> Loader:
    return Loader()


def whole_session() -> botocore.session.Session:
    """Return a session with all of botocore's data, handlers and names of events."""
    session = botocore.session.Session()
    session.register_component("data_loader", all_data())
    return session


def both(
    monkeypatch: pytest.MonkeyPatch, region: str, environment: Mapping[str, str]
) -> Iterator[Clients]:
    """Yield the clients of the function's session, and those of botocore's own."""
    for name, value in {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, **environment}.items():
        monkeypatch.setenv(name, value)
    yield connect()
    monkeypatch.setattr(botocore_clients, "Session", whole_session)
    yield connect()


def sent(client: Any, operation: str, arguments: dict[str, Any]) -> Sent:
    """Return the request that the client sends for an operation."""
    requests: list[Sent] = []

    def record(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        body = request.body.read() if hasattr(request.body, "read") else request.body
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
            if name.lower() not in ("amz-sdk-invocation-id", "user-agent")
        }
        requests.append(Sent(request.method, request.url, headers, body or b""))
        return response(400)

    client.meta.events.register_first("before-send", record)
    with pytest.raises(ClientError):
        getattr(client, operation)(**arguments)
    client.meta.events.unregister("before-send", record)
    return requests[0]


class Raw(io.BytesIO):
    """A response's body, as urllib3 has it."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.getvalue()


def response(
    status: int, body: bytes = b"", headers: Mapping[str, str] = MappingProxyType({})
) -> AWSResponse:
    return AWSResponse("https://service", status, headers, Raw(body))


@pytest.mark.parametrize(
    ("region", "environment"),
    [
        ("us-east-1", {}),
        ("us-east-1", FIPS),
        ("us-east-1", DUAL_STACK),
        ("us-east-1", OWN_SERVER),
        ("us-east-1", OWN_S3),
        ("us-west-2", FIPS | DUAL_STACK),
        ("eu-central-1", {}),
        # The data is the same for the other regions of a partition.
        pytest.param("ap-southeast-2", DUAL_STACK, marks=pytest.mark.slow),
        ("cn-north-1", {}),
        pytest.param("cn-northwest-1", DUAL_STACK, marks=pytest.mark.slow),
        pytest.param("us-gov-west-1", {}, marks=pytest.mark.slow),
        ("us-gov-east-1", FIPS),
        ("us-iso-east-1", {}),
        ("eusc-de-east-1", {}),
        ("xx-newest-1", {}),
    ],
)
def test_the_requests_are_the_same(
    monkeypatch: pytest.MonkeyPatch, region: str, environment: dict[str, str]
) -> None:
    ours, theirs = both(monkeypatch, region, environment)
    for operation, arguments in AGENTCORE_CALLS.items():
        arguments = {"codeInterpreterIdentifier": INTERPRETER, **arguments}
        request = sent(ours.agentcore, operation, arguments)
        assert request == sent(theirs.agentcore, operation, arguments)
    for operation, arguments in S3_CALLS.items():
        arguments = {"Bucket": "workspace-bucket", **arguments}
        request = sent(ours.s3, operation, arguments)
        assert request == sent(theirs.s3, operation, arguments)
        assert "20261126/" in request.headers["authorization"]


ACCESS_POINT = "arn:aws:s3:us-east-1:123456789012:accesspoint/mine"


@pytest.mark.parametrize(
    "bucket", ["workspace-bucket", "with.dots", "b-alias-s3alias", ACCESS_POINT]
)
# S3 has rules of its own for the first region.
@pytest.mark.parametrize("region", ["us-east-1", pytest.param("eu-west-1", marks=pytest.mark.slow)])
def test_the_presigned_urls_are_the_same(
    monkeypatch: pytest.MonkeyPatch, region: str, bucket: str
) -> None:
    buckets = [Bucket(clients, bucket, Deadline(60)) for clients in both(monkeypatch, region, {})]
    urls = [
        (
            bucket.presigned_get("w/s/a b", file_name="größe.csv"),
            bucket.presigned_put("w/s/a b", 17, seconds=60),
        )
        for bucket in buckets
    ]
    assert urls[0] == urls[1]


S3_ERROR = b"<?xml version='1.0'?><Error><Code>%b</Code><Message>text</Message><Key>k</Key></Error>"
REDIRECTED = {"x-amz-bucket-region": "eu-west-1"}


@pytest.mark.parametrize(
    ("operation", "responses"),
    [
        ("get_object", [response(404, S3_ERROR % b"NoSuchKey")]),
        ("get_object", [response(403, S3_ERROR % b"InvalidObjectState")]),
        ("get_object", [response(416, S3_ERROR % b"InvalidRange")]),
        ("head_object", [response(404)]),
        ("put_object", [response(412, S3_ERROR % b"PreconditionFailed")]),
        ("put_object", [response(409, S3_ERROR % b"ConditionalRequestConflict")]),
        ("list_objects_v2", [response(404, S3_ERROR % b"NoSuchBucket")]),
        ("complete_multipart_upload", [response(200, S3_ERROR % b"InternalError")] * 4),
        # The bucket is in another region.
        ("get_object", [response(301, S3_ERROR % b"PermanentRedirect", headers=REDIRECTED)] * 2),
        (
            "list_objects_v2",
            [
                response(301, S3_ERROR % b"PermanentRedirect"),
                response(301, headers=REDIRECTED),
                response(403, S3_ERROR % b"AccessDenied"),
            ],
        ),
    ],
)
def test_the_errors_are_the_same(
    monkeypatch: pytest.MonkeyPatch, operation: str, responses: list[AWSResponse]
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    errors = []
    for clients in both(monkeypatch, "us-east-1", {}):
        left = iter(responses)
        clients.s3.meta.events.register("before-send", lambda left=left, **_: next(left))
        with pytest.raises(ClientError) as caught:
            getattr(clients.s3, operation)(Bucket="workspace-bucket", **S3_CALLS[operation])
        assert next(left, None) is None
        errors.append((type(caught.value).__name__, caught.value.response))
    assert errors[0] == errors[1]


def test_the_keys_of_a_listing_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = b"<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>w/a+b%2Bc</Key>"
    listing += b"</Contents></ListBucketResult>"
    keys = []
    for clients in both(monkeypatch, "us-east-1", {}):
        clients.s3.meta.events.register("before-send", lambda **_: response(200, listing))
        found = clients.s3.list_objects_v2(Bucket="workspace-bucket")
        keys.append([item["Key"] for item in found["Contents"]])
    assert keys == [["w/a b+c"]] * 2


def test_the_clients_read_nothing_of_botocores_own_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loader, "BUILTIN_DATA_PATH", "/nowhere")
    clients = next(both(monkeypatch, "eu-west-1", {}))
    sent(clients.s3, "get_object", {"Bucket": "workspace-bucket", "Key": "k"})


def test_data_that_the_function_does_not_ship_is_botocores(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = next(both(monkeypatch, "eu-west-1", {}))
    assert clients.s3.can_paginate("list_objects_v2")
    loader = PrunedData()
    assert "AssumeRole" in loader.load_service_model("sts", "service-2")["operations"]
    assert loader.load_data_with_path("sts/2011-06-15/paginators-1")[0]["pagination"] == {}


def test_other_sessions_do_not_see_the_pruned_data(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = next(both(monkeypatch, "eu-west-1", {}))
    other = botocore.session.Session()
    assert len(clients.s3.meta.service_model.operation_names) == len(S3_CALLS)
    assert "CreateBucket" in other.get_service_model("s3").operation_names
    assert "ec2" in other.get_available_services()
    assert "AWS_DATA_PATH" not in os.environ


def test_the_models_have_the_operations_that_the_function_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients = next(both(monkeypatch, "eu-west-1", {}))
    for client, calls in ((clients.agentcore, AGENTCORE_CALLS), (clients.s3, S3_CALLS)):
        assert set(client.meta.method_to_api_mapping) == set(calls)


def test_a_newer_model_in_the_runtime_does_not_win(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    newer = tmp_path / "bedrock-agentcore" / "2099-01-01"
    newer.mkdir(parents=True)
    (newer / "service-2.json").write_text('{"metadata": {}, "operations": {}, "shapes": {}}')
    clients = next(both(monkeypatch, "eu-west-1", {"AWS_DATA_PATH": str(tmp_path)}))
    assert clients.agentcore.meta.service_model.api_version == "2024-02-28"
