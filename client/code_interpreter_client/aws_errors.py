"""Errors of boto3, as what is wrong with the set-up and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)

from .errors import FunctionUnavailable, Problem

# Nothing is sent when one of these is raised.
CREDENTIALS: Final = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
UNREACHABLE: Final = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)

# The error codes of requests that AWS refuses before anything runs.
REFUSALS: Final[Mapping[str, Problem]] = {
    "AccessDenied": "access_denied",
    "AccessDeniedException": "access_denied",
    "ExpiredToken": "no_credentials",
    "ExpiredTokenException": "no_credentials",
    "InvalidClientTokenId": "no_credentials",
    "InvalidSignatureException": "no_credentials",
    "ResourceConflictException": "updating",
    "ResourceNotFoundException": "no_function",
    "SignatureDoesNotMatch": "no_credentials",
    "Throttling": "throttled",
    "ThrottlingException": "throttled",
    "TooManyRequestsException": "throttled",
    "UnrecognizedClientException": "no_credentials",
}
REMEDIES: Final[Mapping[Problem, str]] = {
    "access_denied": "grant the permission to the identity that calls",
    "no_credentials": "set up credentials, for instance with aws configure, and check the profile",
    "no_function": "check the name and the region",
    "no_region": "set AWS_REGION, or give a region",
    "refused": "check the name of the function",
    "throttled": "try again later, or raise the concurrency of the function",
    "unreachable": "check the network, the proxy, and AWS_ENDPOINT_URL if it is set",
    "updating": "try again when the deployment of the function has ended",
}


def unavailable(error: Exception, target: str) -> FunctionUnavailable | None:
    """Return the error as what is wrong, or None if the request may have had an effect.

    :param target: What was called, as the subject of the message.
    """
    problem = problem_of(error)
    if problem is None:
        return None
    remedy = start_local_aws(error) or REMEDIES[problem]
    return FunctionUnavailable(
        f"{target} cannot be used: {reason(error)}; {remedy}",
        problem,
        retryable=problem in ("throttled", "unreachable", "updating"),
    )


def reason(error: Exception) -> str:
    """Return why AWS refused a request, without botocore's words around it."""
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        return str(details.get("Message") or details.get("Code") or error).rstrip(".")
    return str(error).rstrip(".")


def start_local_aws(error: Exception) -> str | None:
    """Return what to do if no local AWS runs at an endpoint on this machine."""
    if not isinstance(error, EndpointConnectionError):
        return None
    endpoint = urlsplit(error.kwargs["endpoint_url"])
    if endpoint.hostname not in ("127.0.0.1", "localhost"):
        return None
    return f"no local AWS runs there: start it with make local PORT={endpoint.port}"


def problem_of(error: Exception) -> Problem | None:
    """Return the problem, or None if the request may have had an effect."""
    match error:
        case ClientError():
            details = error.response
            is_refused = details.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) < 500
            code = details.get("Error", {}).get("Code", "")
            return REFUSALS.get(code, "refused" if is_refused else None)
        case NoRegionError():
            return "no_region"
        case ParamValidationError():
            return "refused"
        case SSLError():
            # Other TLS failures can come after the request.
            return "unreachable" if "CERTIFICATE_VERIFY_FAILED" in str(error) else None
        case _ if isinstance(error, CREDENTIALS):
            return "no_credentials"
        case _ if isinstance(error, UNREACHABLE):
            return "unreachable"
        case _:
            return None
