"""The errors that botocore's clients raise."""

from __future__ import annotations

from botocore.exceptions import ClientError


def client_error(code: str, status: int, operation: str, message: str = "no") -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        operation,
    )
