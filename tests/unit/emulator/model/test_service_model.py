"""Requests and outputs against botocore's own serialiser and parser, and its constraints."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from botocore.model import Shape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentcore_emulator.model import service_model
from agentcore_emulator.model.errors import ValidationError
from agentcore_emulator.model.service_model import Operation

OPERATIONS = service_model.operations()
TOKENS = st.from_regex(r"[a-zA-Z0-9]{33,64}", fullmatch=True)
PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
EFS = "arn:aws:elasticfilesystem:eu-west-1:111122223333"
ROLE = "arn:aws:iam::111122223333:role/r"
TOO_LONG_FOR_A_SESSION_ID = "a" * 41
thorough = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Everything the model allows for a shape, within reason."""
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 8)
    match shape.type_name:
        case "structure":
            return structures(shape)
        case "list":
            return st.lists(values(shape.member), min_size=low, max_size=max(low, min(high, 3)))
        case "map":
            return st.dictionaries(values(shape.key), values(shape.value), max_size=3)
        case "string":
            return strings(shape)
        case "blob":
            return st.binary(max_size=20)
        case "boolean":
            return st.booleans()
        case "integer" | "long":
            return st.integers(low, shape.metadata.get("max", 2**31 - 1))
        case "double":
            return st.floats(allow_nan=False, allow_infinity=False)
        case "timestamp":
            return st.datetimes(datetime(2020, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - a bound is naive
    raise AssertionError(shape.type_name)


def structures(shape: Shape) -> st.SearchStrategy[dict[str, Any]]:
    members = {name: values(member) for name, member in shape.members.items()}
    if shape.is_tagged_union:
        return st.one_of(
            *(st.fixed_dictionaries({name: member}) for name, member in members.items())
        )
    required = {name: members.pop(name) for name in shape.required_members}
    return st.fixed_dictionaries(required, optional=members)


def strings(shape: Shape) -> st.SearchStrategy[str]:
    if shape.enum:
        return st.sampled_from(shape.enum)
    if shape.name == "ClientToken":
        return TOKENS
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 10**8)
    pattern = shape.metadata.get("pattern")
    if pattern:
        alphabet = st.characters(min_codepoint=32, max_codepoint=126)
        matching = st.from_regex(pattern, fullmatch=True, alphabet=alphabet)
        return matching.filter(lambda text: low <= len(text) <= high)
    if "location" in shape.serialization:
        return PRINTABLE
    return st.text(min_size=low, max_size=low + 12)


def sent_and_parsed(operation: Operation, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters in a request that botocore's serialiser wrote."""
    request = create_serializer("rest-json").serialize_to_request(params, operation.model)
    routed = service_model.route(request["method"], request["url_path"])
    assert routed is not None
    assert routed[0].name == operation.name
    query = urlencode(request["query_string"], doseq=True)
    headers = {name.lower(): value for name, value in request["headers"].items()}
    return service_model.parse_request(operation, routed[1], query, headers, request["body"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_reads_back_every_request_botocore_writes(name: str) -> None:
    operation = OPERATIONS[name]

    @thorough
    @given(values(operation.model.input_shape))
    def check(params: dict[str, Any]) -> None:
        assert sent_and_parsed(operation, params) == params

    check()


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "InvokeCodeInterpreter"])
def test_botocore_reads_back_every_output(name: str) -> None:
    operation = OPERATIONS[name]

    @thorough
    @given(values(operation.model.output_shape))
    def check(output: dict[str, Any]) -> None:
        response = {
            "status_code": operation.success_status,
            "headers": {},
            "body": service_model.serialise_output(operation, output),
        }
        parsed = create_parser("rest-json").parse(response, operation.model.output_shape)
        del parsed["ResponseMetadata"]
        assert parsed == output

    check()


def test_botocore_reads_back_every_result() -> None:
    stream = OPERATIONS["InvokeCodeInterpreter"].model.get_event_stream_output()

    @thorough
    @given(values(stream.members["result"]))
    def check(result: dict[str, Any]) -> None:
        body = service_model.serialise_result(result)
        response = {"status_code": 200, "headers": {}, "body": body}
        parsed = create_parser("rest-json").parse(response, stream.members["result"])
        del parsed["ResponseMetadata"]
        assert parsed == result

    check()


def test_knows_the_twelve_operations_and_their_statuses() -> None:
    statuses = {name: operation.success_status for name, operation in OPERATIONS.items()}
    assert len(statuses) == 12
    assert statuses["CreateCodeInterpreter"] == statuses["DeleteCodeInterpreter"] == 202
    assert statuses["TagResource"] == statuses["UntagResource"] == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/code-interpreters"),
        ("GET", "/code-interpreters"),
        ("GET", "/code-interpreters/"),
        ("PUT", "/code-interpreters/a/sessions"),
        ("POST", "/code-interpreters/a/tools/invoke/more"),
        ("GET", "/runtimes"),
    ],
)
def test_routes_nothing_else(method: str, path: str) -> None:
    assert service_model.route(method, path) is None


def test_labels_are_decoded_after_routing() -> None:
    arn = "arn:aws:bedrock-agentcore:eu-west-1:111122223333:code-interpreter-custom/a-0123456789"
    routed = service_model.route("GET", "/tags/" + quote(arn, safe=""))
    assert routed is not None
    assert routed[1] == {"resourceArn": arn}


VALID: dict[str, dict[str, Any]] = {
    "CreateCodeInterpreter": {"name": "a", "networkConfiguration": {"networkMode": "PUBLIC"}},
    "StartCodeInterpreterSession": {},
    "InvokeCodeInterpreter": {"name": "executeCode"},
    "ListCodeInterpreterSessions": {},
}
CERTIFICATE = {
    "location": {
        "secretsManager": {"secretArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a"}
    }
}


def vpc(**config: Any) -> dict[str, Any]:
    return {
        "networkConfiguration": {
            "networkMode": "VPC",
            "vpcConfig": {
                "subnets": ["subnet-12345678"],
                "securityGroups": ["sg-12345678"],
                **config,
            },
        }
    }


def efs(path: str) -> dict[str, Any]:
    return {
        "efsConfiguration": {
            "accessPointArn": f"{EFS}:access-point/fsap-12345678",
            "fileSystemArn": f"{EFS}:file-system/fs-12345678",
            "mountPath": path,
        }
    }


@pytest.mark.parametrize(
    ("name", "broken", "fields"),
    [
        # required
        ("CreateCodeInterpreter", {"name": None}, {"name"}),
        (
            "CreateCodeInterpreter",
            {"name": None, "networkConfiguration": {}},
            {"name", "networkConfiguration.networkMode"},
        ),
        (
            "CreateCodeInterpreter",
            vpc(subnets=None),
            {"networkConfiguration.vpcConfig.subnets"},
        ),
        # pattern
        ("CreateCodeInterpreter", {"name": "with-hyphen"}, {"name"}),
        ("CreateCodeInterpreter", {"name": "a\n"}, {"name"}),
        ("CreateCodeInterpreter", {"name": "a" * 49}, {"name"}),
        (
            "CreateCodeInterpreter",
            {"executionRoleArn": ROLE.replace("role", "user")},
            {"executionRoleArn"},
        ),
        (
            "CreateCodeInterpreter",
            vpc(subnets=["subnet-12345678", "nonsense"]),
            {"networkConfiguration.vpcConfig.subnets.2.member"},
        ),
        ("CreateCodeInterpreter", {"tags": {"a?": "b"}}, {"tags.key"}),
        ("CreateCodeInterpreter", {"tags": {"a": "b?"}}, {"tags.a"}),
        (
            "CreateCodeInterpreter",
            {"filesystemConfigurations": [efs("/home/a")]},
            {"filesystemConfigurations.1.member.efsConfiguration.mountPath"},
        ),
        # length and size
        ("CreateCodeInterpreter", {"description": ""}, {"description"}),
        ("CreateCodeInterpreter", {"description": "a" * 4097}, {"description"}),
        ("CreateCodeInterpreter", {"clientToken": "a" * 32}, {"clientToken"}),
        ("CreateCodeInterpreter", {"certificates": []}, {"certificates"}),
        ("CreateCodeInterpreter", {"certificates": [CERTIFICATE] * 201}, {"certificates"}),
        ("CreateCodeInterpreter", vpc(subnets=[]), {"networkConfiguration.vpcConfig.subnets"}),
        (
            "CreateCodeInterpreter",
            vpc(securityGroups=["sg-12345678"] * 17),
            {"networkConfiguration.vpcConfig.securityGroups"},
        ),
        ("CreateCodeInterpreter", {"tags": {str(n): "" for n in range(51)}}, {"tags"}),
        ("CreateCodeInterpreter", {"tags": {"a": "b" * 257}}, {"tags.a"}),
        ("StartCodeInterpreterSession", {"name": ""}, {"name"}),
        ("StartCodeInterpreterSession", {"name": "a" * 101}, {"name"}),
        # range
        ("StartCodeInterpreterSession", {"sessionTimeoutSeconds": 0}, {"sessionTimeoutSeconds"}),
        (
            "StartCodeInterpreterSession",
            {"sessionTimeoutSeconds": 28801},
            {"sessionTimeoutSeconds"},
        ),
        ("ListCodeInterpreterSessions", {"maxResults": 101}, {"maxResults"}),
        # enum
        (
            "CreateCodeInterpreter",
            {"networkConfiguration": {"networkMode": "public"}},
            {"networkConfiguration.networkMode"},
        ),
        ("InvokeCodeInterpreter", {"name": "dropTables"}, {"name"}),
        ("InvokeCodeInterpreter", {"arguments": {"language": "perl"}}, {"arguments.language"}),
        ("InvokeCodeInterpreter", {"arguments": {"runtime": "bun"}}, {"arguments.runtime"}),
        ("ListCodeInterpreterSessions", {"status": "ACTIVE"}, {"status"}),
        # union
        (
            "CreateCodeInterpreter",
            {"certificates": [{"location": {}}]},
            {"certificates.1.member.location"},
        ),
        (
            "CreateCodeInterpreter",
            {"filesystemConfigurations": [efs("/mnt/a") | {"s3FilesConfiguration": {}}]},
            {
                "filesystemConfigurations.1.member",
                "filesystemConfigurations.1.member.s3FilesConfiguration.accessPointArn",
                "filesystemConfigurations.1.member.s3FilesConfiguration.fileSystemArn",
                "filesystemConfigurations.1.member.s3FilesConfiguration.mountPath",
            },
        ),
        # type
        ("CreateCodeInterpreter", {"name": 7}, {"name"}),
        ("CreateCodeInterpreter", {"tags": []}, {"tags"}),
        ("CreateCodeInterpreter", {"certificates": {}}, {"certificates"}),
        ("CreateCodeInterpreter", {"networkConfiguration": "PUBLIC"}, {"networkConfiguration"}),
        (
            "StartCodeInterpreterSession",
            {"sessionTimeoutSeconds": "900"},
            {"sessionTimeoutSeconds"},
        ),
        (
            "StartCodeInterpreterSession",
            {"sessionTimeoutSeconds": 900.5},
            {"sessionTimeoutSeconds"},
        ),
        ("StartCodeInterpreterSession", {"sessionTimeoutSeconds": True}, {"sessionTimeoutSeconds"}),
        (
            "InvokeCodeInterpreter",
            {"arguments": {"clearContext": "yes"}},
            {"arguments.clearContext"},
        ),
        ("InvokeCodeInterpreter", {"arguments": {"paths": [1]}}, {"arguments.paths.1.member"}),
        (
            "InvokeCodeInterpreter",
            {"arguments": {"content": [{"path": "a", "blob": "not base64"}]}},
            {"arguments.content.1.member.blob"},
        ),
        ("InvokeCodeInterpreter", {"arguments": {"code": "\ud800"}}, {"arguments.code"}),
    ],
)
def test_fails_with_every_field_that_breaks_the_model(
    name: str, broken: dict[str, Any], fields: set[str]
) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_body(name, json.dumps(VALID[name] | broken).encode())
    members = refused.value.members
    assert members["reason"] == "FieldValidationFailed"
    assert {field["name"] for field in members["fieldList"]} == fields
    assert all(field["message"] in members["message"] for field in members["fieldList"])


def parse_body(name: str, body: bytes) -> dict[str, Any]:
    labels = {"codeInterpreterIdentifier": "aws.codeinterpreter.v1"}
    return service_model.parse_request(OPERATIONS[name], labels, "", {}, body)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"text"', b"\xff", b"[" * 100_000, b"1" * 5000], ids=lambda b: b[:5]
)
def test_refuses_a_body_that_is_no_json_object(body: bytes) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_body("StartCodeInterpreterSession", body)
    assert refused.value.members["reason"] == "CannotParse"


@pytest.mark.parametrize(
    ("name", "query", "fields"),
    [
        ("ListCodeInterpreters", "maxResults=many", {"maxResults"}),
        ("ListCodeInterpreters", "maxResults=0", {"maxResults"}),
        ("ListCodeInterpreters", "maxResults=" + "9" * 30, {"maxResults"}),
        ("ListCodeInterpreters", "type=OTHER", {"type"}),
        ("ListCodeInterpreters", "nextToken=a%20b&type=X", {"nextToken", "type"}),
        ("GetCodeInterpreterSession", "", {"sessionId"}),
        ("GetCodeInterpreterSession", f"sessionId={TOO_LONG_FOR_A_SESSION_ID}", {"sessionId"}),
    ],
)
def test_fails_on_a_query_that_breaks_the_model(name: str, query: str, fields: set[str]) -> None:
    labels = {"codeInterpreterIdentifier": "aws.codeinterpreter.v1"}
    with pytest.raises(ValidationError) as refused:
        service_model.parse_request(OPERATIONS[name], labels, query, {}, b"")
    assert {field["name"] for field in refused.value.members["fieldList"]} == fields


def test_ignores_members_the_model_does_not_know_and_takes_null_for_absent() -> None:
    params = parse_body("InvokeCodeInterpreter", b'{"name":"getTask","arguments":null,"new":1}')
    assert params == {"codeInterpreterIdentifier": "aws.codeinterpreter.v1", "name": "getTask"}


def test_never_repeats_a_sensitive_or_a_long_value() -> None:
    with pytest.raises(ValidationError) as refused:
        parse_body(
            "CreateCodeInterpreter",
            json.dumps(VALID["CreateCodeInterpreter"] | {"description": "hush" * 2000}).encode(),
        )
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "output",
    [
        {"codeInterpreterIdentifier": "a", "sessionId": "b"},
        {
            "codeInterpreterIdentifier": "a",
            "sessionId": "b",
            "createdAt": datetime.now(UTC),
            "status": "READY",
        },
        {"codeInterpreterIdentifier": "a", "sessionId": 5, "createdAt": datetime.now(UTC)},
    ],
    ids=["missing", "unknown", "wrong type"],
)
def test_refuses_an_output_that_the_model_does_not_allow(output: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"StartCodeInterpreterSession|SessionId"):
        service_model.serialise_output(OPERATIONS["StartCodeInterpreterSession"], output)
