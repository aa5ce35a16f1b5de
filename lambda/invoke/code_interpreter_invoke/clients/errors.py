"""Map botocore's exceptions to the function's errors, which say whether the service acted."""

from __future__ import annotations

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    EventStreamError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
)

from ..errors import (
    DeniedError,
    InvalidRequestError,
    NotStartedError,
    RequestError,
    ThrottledError,
)
from .connections import is_handshake_error

NOTHING_SENT = (
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
)


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def http_status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def error_text(error: Exception) -> str:
    """Return the service's code and message, or the type of an error without a response."""
    if isinstance(error, ClientError):
        message = error.response.get("Error", {}).get("Message") or ""
        return f"{error_code(error)}: {message}" if message else error_code(error)
    return type(error).__name__


def refusal(error: Exception, doing: str, missing: type[RequestError]) -> RequestError | None:
    """Return the error for a request that the service refused or never received.

    Return None if the service may have acted. `missing` is the error for a 404.
    """
    text = f"{doing}: {error_text(error)}"
    if isinstance(error, ParamValidationError):
        return InvalidRequestError(f"{doing}: {' '.join(str(error).split())}")
    if isinstance(error, NOTHING_SENT) or is_handshake_error(error):
        return NotStartedError(text)
    if not isinstance(error, ClientError) or isinstance(error, EventStreamError):
        return None
    # The statuses of the API model. A conflict (409) is not documented: the service may have acted.
    match http_status(error):
        case 400:
            return InvalidRequestError(text)
        case 402 | 429:
            return ThrottledError(text)
        case 403:
            return DeniedError(text)
        case 404:
            return missing(text)
    return None
