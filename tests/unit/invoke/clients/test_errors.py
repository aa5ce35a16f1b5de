from __future__ import annotations

from typing import Any

import botocore.exceptions as errors
import botocore.session
import pytest
from botocore.exceptions import ClientError

from code_interpreter_invoke.clients.connections import HandshakeError
from code_interpreter_invoke.clients.errors import refusal
from code_interpreter_invoke.errors import SandboxGoneError

INVOKE = (
    botocore.session.Session()
    .get_service_model("bedrock-agentcore")
    .operation_model("InvokeCodeInterpreter")
)
EXPECTED = {
    "ValidationException": ("InvalidRequest", False),
    "AccessDeniedException": ("NotStarted", False),
    "ResourceNotFoundException": ("NotStarted", True),
    "ServiceQuotaExceededException": ("NotStarted", True),
    "ThrottlingException": ("NotStarted", True),
    "ConflictException": None,
    "InternalServerException": None,
}


def test_every_error_of_the_model_has_a_meaning() -> None:
    assert {shape.name for shape in INVOKE.error_shapes} == set(EXPECTED)


@pytest.mark.parametrize("shape", INVOKE.error_shapes, ids=lambda shape: shape.name)
def test_each_error_of_the_service_says_whether_the_operation_may_have_run(shape: Any) -> None:
    error = ClientError(
        {
            "Error": {"Code": shape.name, "Message": "because"},
            "ResponseMetadata": {"HTTPStatusCode": shape.metadata["error"]["httpStatusCode"]},
        },
        "InvokeCodeInterpreter",
    )
    refused = refusal(error, "executeCode", SandboxGoneError)
    found = refused and (refused.type, refused.retryable)
    assert found == EXPECTED[shape.name]
    if refused:
        assert refused.message == f"executeCode: {shape.name}: because"


@pytest.mark.parametrize(
    ("error", "type_"),
    [
        (errors.EndpointConnectionError(endpoint_url="x"), "NotStarted"),
        (errors.ConnectTimeoutError(endpoint_url="x"), "NotStarted"),
        (errors.ProxyConnectionError(proxy_url="x"), "NotStarted"),
        (errors.NoCredentialsError(), "NotStarted"),
        (errors.PartialCredentialsError(provider="env", cred_var="x"), "NotStarted"),
        (errors.CredentialRetrievalError(provider="x", error_msg="x"), "NotStarted"),
        (errors.ParamValidationError(report="Unknown\nparameter"), "InvalidRequest"),
        (errors.SSLError(endpoint_url="x", error=HandshakeError("x")), "NotStarted"),
        (errors.SSLError(endpoint_url="x", error="x"), None),
        (errors.ReadTimeoutError(endpoint_url="x"), None),
        (errors.ConnectionClosedError(endpoint_url="x"), None),
        (errors.ResponseStreamingError(error="x"), None),
        (errors.EventStreamError({"Error": {"Code": "throttlingException"}}, "Invoke"), None),
        (KeyError("x"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_of_the_network_says_whether_the_request_may_have_been_sent(
    error: Exception, type_: str | None
) -> None:
    refused = refusal(error, "executeCode", SandboxGoneError)
    assert (refused and refused.type) == type_
    assert refused is None or "\n" not in refused.message
