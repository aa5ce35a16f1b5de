"""Send requests to the paths that only a local AWS has."""

from __future__ import annotations

import http.client
import json
from typing import Any

# Ending every sandbox, which a reset waits for, takes less.
TIMEOUT_SECONDS = 60


def request_json(endpoint: str, method: str, path: str, body: Any = None) -> Any:
    """Return the JSON document in the response.

    Unlike urllib's, these requests never go through a proxy that the environment names.

    :raises ValueError: with the response's message, if the request is refused.
    """
    connection = http.client.HTTPConnection(
        endpoint.removeprefix("http://"), timeout=TIMEOUT_SECONDS
    )
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        document = json.loads(response.read())
    finally:
        connection.close()
    if response.status >= 400:
        raise ValueError(document["message"])
    return document
