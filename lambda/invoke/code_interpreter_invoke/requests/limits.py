"""The limits of a response: its caller's, and that of UTF-8."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .callers import Caller

if TYPE_CHECKING:
    from ..responses import Response


def share_of_limit(response: Response, caller: Caller) -> float:
    """Return the part of its caller's limit that the response takes."""
    # An upper bound of the bytes, whichever way the characters are escaped.
    return len(json.dumps(caller.render(response))) / caller.max_response_bytes


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
