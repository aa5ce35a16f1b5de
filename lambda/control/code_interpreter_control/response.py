"""Telling CloudFormation how a request went."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping

from .event import Request

# CloudFormation refuses answers of more than 4096 bytes; all else in one is far below the rest.
MAX_REASON_LENGTH = 1500
ATTEMPTS = 5
TIMEOUT = 10.0


def body(
    request: Request,
    *,
    physical_id: str,
    reason: str | None = None,
    data: Mapping[str, str] | None = None,
) -> bytes:
    """The answer: a failure if there is a `reason`, else a success."""
    answer = {
        "Status": "SUCCESS" if reason is None else "FAILED",
        "PhysicalResourceId": physical_id,
        "StackId": request.stack_id,
        "RequestId": request.request_id,
        "LogicalResourceId": request.logical_id,
    }
    if reason is not None:
        # In JSON a character takes up to six bytes, so it is cut by its length as JSON.
        answer["Reason"] = truncate(reason)
    return json.dumps({**answer, "Data": data} if data else answer).encode()


def send(
    url: str,
    content: bytes,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Put the answer where CloudFormation waits for it.

    :raises urllib.error.URLError: if it cannot be delivered; Lambda then runs the request again.
    """
    request = urllib.request.Request(  # noqa: S310 - the URL is CloudFormation's
        # The URL is signed for an empty content type; urllib would fill in one of its own.
        url,
        data=content,
        method="PUT",
        headers={"Content-Type": ""},
    )
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            if attempt == ATTEMPTS:
                raise
            sleep(2.0 ** (attempt - 1))


def truncate(reason: str) -> str:
    while len(json.dumps(reason)) > MAX_REASON_LENGTH:
        reason = reason[: len(reason) * 9 // 10].rstrip() + "…"
    return reason
