"""Keeps a response below its caller's limit, and valid as UTF-8."""

from __future__ import annotations

import json
import re
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
# The members that hold the output of code.
OUTPUT_MEMBERS = ("stdout", "stderr")
LEFT_OUT = re.compile(r"\n\[\.\.\. (\d{1,15}) characters left out \.\.\.\]\n")


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
    # The end of the output says more about a failure.
    tail = 0.75 if "error" in response else 0.5
    return largest_that_fits(
        lambda length: cast(Response, {**truncate_values(response, length, tail), **added}),
        caller.max_response_bytes,
        lambda truncated: is_within_limit(truncated, caller),
        minimum=MIN_TRUNCATED_LENGTH,
    )


def truncate_values(value: Any, length: int, tail: float, name: str = "") -> Any:
    """Return a value in which no text and no list is longer than about `length`.

    Output keeps both ends. Another text keeps its beginning, of a multiple of 4 characters, so that
    what was base64 can still be decoded.

    :param tail: The part of the length that is for the end of an output.
    :param name: The member's name, if the value is one.
    """
    if isinstance(value, str) and len(value) <= length:
        return value
    if isinstance(value, str) and name in OUTPUT_MEMBERS:
        return keep_ends(value, length, tail)
    if isinstance(value, str):
        return value[: max(length // 4 * 4, 4)]
    if isinstance(value, list):
        return [truncate_values(item, length, tail) for item in value[: max(length, 1)]]
    if isinstance(value, dict):
        return {name: truncate_values(item, length, tail, name) for name, item in value.items()}
    return value


def keep_ends(text: str, length: int, tail: float) -> str:
    """Return the beginning and the end of a text, and between them how much is left out."""
    last = len(text) - round(length * tail)
    first = length - round(length * tail)
    # The observer in the kernel may have left out a part already.
    earlier = LEFT_OUT.search(text, first, last)
    left_out = last - first
    if earlier:
        left_out += int(earlier[1]) - len(earlier[0])
    return f"{text[:first]}\n[... {left_out} characters left out ...]\n{text[last:]}"


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
