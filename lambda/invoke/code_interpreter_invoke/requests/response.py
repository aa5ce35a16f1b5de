"""Keeps an answer below the limit of whoever carries it, and such that it can be sent at all."""

from __future__ import annotations

import json
import uuid
from typing import Any

from ..errors import CallError
from ..files.workspace import PRODUCED, Workspace
from .callers import Caller

# Where the whole of an answer is kept that had to be cut.
ANSWERS = "answers"
# What is no longer is never cut: an answer without its status and ids would be of no use.
SHORTEST = 100


def size(answer: Any) -> int:
    """An upper bound of the answer's bytes, whichever way its characters are escaped."""
    return len(json.dumps(answer))


def fits(answer: dict[str, Any], caller: Caller) -> bool:
    """Whether the caller can take the answer whole."""
    return size(caller.envelope(answer)) <= caller.answer_bytes


def fit(answer: dict[str, Any], caller: Caller, workspace: Workspace) -> dict[str, Any]:
    """The answer, or as much of it as its caller can take, with the name of the whole of it.

    The whole is saved to the workspace as JSON.
    """
    if fits(answer, caller):
        return answer
    name = f"{ANSWERS}/{uuid.uuid4().hex}.json"
    told: dict[str, Any] = {"truncated": True}
    try:
        workspace.save(name, json.dumps(answer).encode())
        told["full_answer"] = f"{PRODUCED}/{name}"
    except CallError as failure:
        told["warnings"] = [f"the whole answer was not saved: {failure.message}"]
        told["warnings"] += answer.get("warnings", [])
    longest = caller.answer_bytes
    while True:
        shortened: dict[str, Any] = {**cut(answer, longest), **told}
        if fits(shortened, caller) or longest < SHORTEST:
            return shortened
        longest //= 2


def cut(value: Any, longest: int) -> Any:
    """A value with all text and all lists in it cut to a length.

    The length of texts is kept a multiple of 4, so that what was base64 can still be decoded.
    """
    if isinstance(value, str):
        return value if len(value) <= longest else value[: max(longest // 4 * 4, 4)]
    if isinstance(value, list):
        return [cut(item, longest) for item in value[: max(longest, 1)]]
    if isinstance(value, dict):
        return {name: cut(item, longest) for name, item in value.items()}
    return value


def sendable(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer as UTF-8 can spell it, which is what Lambda's runtime sends.

    JSON can also spell halves of surrogate pairs, so that a sandbox's output may hold some: each
    becomes a question mark.
    """
    text = json.dumps(answer, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        replaced: dict[str, Any] = json.loads(text.encode(errors="replace"))
        return replaced
    return answer
