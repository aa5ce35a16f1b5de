"""Keeps a response below its caller's limit, and valid as UTF-8."""

from __future__ import annotations

import json
import uuid
from typing import Any, cast

from ..errors import RequestError
from ..files.workspace import PRODUCED, Workspace
from ..fitting import largest_that_fits
from ..responses import Response
from .callers import Caller

# The folder of the workspace that keeps the responses that were truncated.
FOLDER = "responses"
# Values up to this length are never truncated, so that the status and the ids always survive.
MIN_TRUNCATED_LENGTH = 100


def is_within_limit(response: Response, caller: Caller) -> bool:
    """Tell whether the caller can take the response whole."""
    # An upper bound of the bytes, whichever way the characters are escaped.
    return len(json.dumps(caller.render(response))) <= caller.max_response_bytes


def truncate_to_limit(response: Response, caller: Caller, workspace: Workspace) -> Response:
    """Return the response, or as much of it as its caller can take.

    The whole of a truncated response is saved to the workspace as JSON, and named in the response.
    """
    if is_within_limit(response, caller):
        return response
    name = f"{FOLDER}/{uuid.uuid4().hex}.json"
    added: dict[str, Any] = {"truncated": True}
    try:
        workspace.save(name, json.dumps(response).encode())
        added["full_response"] = f"{PRODUCED}/{name}"
    except RequestError as error:
        warning = f"the whole response was not saved: {error.message}"
        added["warnings"] = [warning, *response.get("warnings", [])]
    return largest_that_fits(
        lambda length: cast(Response, {**truncate_values(response, length), **added}),
        caller.max_response_bytes,
        lambda truncated: is_within_limit(truncated, caller),
        minimum=MIN_TRUNCATED_LENGTH,
    )


def truncate_values(value: Any, length: int) -> Any:
    """Return a value in which no text and no list is longer than `length`.

    A text keeps a multiple of 4 characters, so that what was base64 can still be decoded.
    """
    if isinstance(value, str):
        return value if len(value) <= length else value[: max(length // 4 * 4, 4)]
    if isinstance(value, list):
        return [truncate_values(item, length) for item in value[: max(length, 1)]]
    if isinstance(value, dict):
        return {name: truncate_values(item, length) for name, item in value.items()}
    return value


def replace_surrogates(rendered: dict[str, Any]) -> dict[str, Any]:
    """Return a rendered response with a question mark for each unpaired surrogate.

    JSON can hold them, so that a sandbox's output and an agent's event may; UTF-8, which Lambda's
    runtime sends, cannot.
    """
    text = json.dumps(rendered, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        replaced: dict[str, Any] = json.loads(text.encode(errors="replace"))
        return replaced
    return rendered
