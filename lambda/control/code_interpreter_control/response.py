"""The response that CloudFormation waits for."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from .event import CustomResourceRequest
from .outcome import Outcome

# CloudFormation refuses responses of more than 4,096 bytes. The other fields need far less than
# the rest.
MAX_REASON_LENGTH = 1500
ATTEMPTS = 5
TIMEOUT = 10.0


def render(request: CustomResourceRequest, outcome: Outcome) -> bytes:
    """Return the response document for an outcome."""
    document: dict[str, object] = {
        "Status": "SUCCESS" if outcome.reason is None else "FAILED",
        "PhysicalResourceId": outcome.physical_id,
        "StackId": request.stack_id,
        "RequestId": request.request_id,
        "LogicalResourceId": request.logical_id,
    }
    if outcome.reason is not None:
        document["Reason"] = truncate(outcome.reason)
    if outcome.data:
        document["Data"] = outcome.data
    return json.dumps(document).encode()


def send(
    url: str,
    content: bytes,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Put the response to the URL that CloudFormation has signed for it.

    :raises urllib.error.URLError: if it cannot be delivered; Lambda then runs the request again.
    """
    request = urllib.request.Request(  # noqa: S310 - the URL is CloudFormation's
        # The signature covers an empty content type; without the header urllib sends its own.
        url,
        data=content,
        method="PUT",
        headers={"Content-Type": ""},
    )
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310 - as above
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            if attempt == ATTEMPTS:
                raise
            sleep(2.0 ** (attempt - 1))


def truncate(reason: str) -> str:
    """Shorten a reason by its length as JSON, in which a character takes up to twelve bytes."""
    while len(json.dumps(reason)) > MAX_REASON_LENGTH:
        reason = reason[: len(reason) * 9 // 10].rstrip() + "…"
    return reason
