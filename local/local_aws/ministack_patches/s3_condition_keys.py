"""Give policies the condition keys of Amazon S3 that describe a request's signature.

The gap: MiniStack's evaluator does not know `s3:authType`, `s3:signatureversion` and
`s3:signatureAge`, so that statements which deny presigned URLs, old signatures or signatures of an
old version deny nothing ("Amazon S3 Signature Version 4 Authentication Specific Policy Keys",
Amazon S3 API reference).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

VERSION_2, VERSION_4 = "AWS", "AWS4-HMAC-SHA256"

keys_of_request: ContextVar[Mapping[str, str]] = ContextVar("keys_of_request")


def remember_request(
    headers: Mapping[str, str],
    query_string: bytes,
    elapsed_since: Callable[[datetime], timedelta],
) -> None:
    """Keep the keys of the current request, which only its evaluations see.

    :param elapsed_since: Returns the time since a moment, by the emulator's clock.
    """
    query = {name: values[0] for name, values in parse_qs(query_string.decode("latin-1")).items()}
    keys_of_request.set(condition_keys(headers, query, elapsed_since))


def condition_keys(
    headers: Mapping[str, str],
    query: Mapping[str, str],
    elapsed_since: Callable[[datetime], timedelta],
) -> dict[str, str]:
    if "X-Amz-Signature" in query:
        keys = {"s3:authType": "REST-QUERY-STRING", "s3:signatureversion": VERSION_4}
        try:
            date = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except (KeyError, ValueError):
            return keys  # MiniStack refuses such a request
        age = elapsed_since(date) // timedelta(milliseconds=1)
        return {**keys, "s3:signatureAge": str(max(age, 0))}
    if "Signature" in query:
        return {"s3:authType": "REST-QUERY-STRING", "s3:signatureversion": VERSION_2}
    authorization = headers.get("authorization", "")
    if authorization:
        is_new = authorization.startswith(VERSION_4)
        version = VERSION_4 if is_new else VERSION_2
        return {"s3:authType": "REST-HEADER", "s3:signatureversion": version}
    if headers.get("content-type", "").startswith("multipart/form-data"):
        return {"s3:authType": "POST"}
    return {}
