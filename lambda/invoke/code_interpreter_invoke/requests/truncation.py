"""Truncates a response that is larger than its caller's limit."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any, cast

from ..errors import RequestError
from ..files.workspace import PRODUCED, RESPONSES, Workspace
from ..fitting import largest_that_fits
from .callers import Caller
from .limits import share_of_limit

if TYPE_CHECKING:
    from ..responses import Response

# Values up to this length are never truncated, so that the status and the ids always survive.
MIN_TRUNCATED_LENGTH = 100
# The numbers kept and present, by the place in the response and the unit.
Cuts = dict[tuple[str, str], tuple[int, int]]
# How to get the rest of a member, if not from the whole response.
WAYS = {
    "files[].content": (
        "; save the file with ci_push_to_workspace, and read it with workspace_read from offset to "
        "offset"
    )
}
# The members that hold the output of code.
OUTPUT_MEMBERS = ("stdout", "stderr")
LEFT_OUT = re.compile(r"\n\[\.\.\. (\d{1,15}) characters left out \.\.\.\]\n")


def truncate_to_limit(response: Response, caller: Caller, workspace: Workspace) -> Response:
    """Return as much of a response as its caller can take.

    The whole response is saved to the workspace as JSON, and named in the truncated one. Warnings
    say which members were cut, and where the rest is.
    """
    name = f"{RESPONSES}/{uuid.uuid4().hex}.json"
    added: dict[str, Any] = {"truncated": True}
    warnings: list[str] = []
    rest = ""
    try:
        workspace.save(name.removeprefix(f"{PRODUCED}/"), json.dumps(response).encode())
        added["full_response"] = name
        rest = f"; the whole response is in {name}, for workspace_read"
    except RequestError as error:
        warnings.append(f"the whole response was not saved: {error.message}")
    # The end of the output says more about a failure.
    tail = 0.75 if "error" in response else 0.5

    def truncated(length: int) -> Response:
        cuts: Cuts = {}
        members = truncate_values(response, length, tail, cuts=cuts)
        described = [f"{cut}{WAYS.get(place, rest)}" for place, cut in describe_cuts(cuts)]
        all_warnings = [*warnings, *described, *members.get("warnings", ())]
        if all_warnings:
            members["warnings"] = all_warnings
        return cast("Response", {**members, **added})

    return largest_that_fits(
        truncated,
        caller.max_response_bytes,
        lambda shortened: share_of_limit(shortened, caller),
        minimum=MIN_TRUNCATED_LENGTH,
    )


def truncate_values(
    value: Any, length: int, tail: float, place: str = "", cuts: Cuts | None = None
) -> Any:
    """Return a value in which no text and no list is longer than about `length`.

    Output keeps both ends, and says how much is left out. Another text keeps its beginning, of a
    multiple of 4 characters, so that what was base64 can still be decoded. A list keeps a tenth of
    `length`, because its items have several values.

    :param tail: The part of the length that is for the end of an output.
    :param place: The value's place in the response, such as `files[].content`.
    :param cuts: Takes what was cut.
    """
    cuts = {} if cuts is None else cuts
    if isinstance(value, str):
        if len(value) <= length:
            return value
        if place.rpartition(".")[2] in OUTPUT_MEMBERS:
            return keep_ends(value, length, tail)
        kept = max(length // 4 * 4, 4)
        add_cut(cuts, place, "characters", kept, len(value))
        return value[:kept]
    if isinstance(value, list):
        items = value[: max(length // 10, 1)]
        if len(items) < len(value):
            add_cut(cuts, place, "items", len(items), len(value))
        return [truncate_values(item, length, tail, f"{place}[]", cuts) for item in items]
    if isinstance(value, dict):
        return {
            name: truncate_values(item, length, tail, f"{place}.{name}" if place else name, cuts)
            for name, item in value.items()
        }
    return value


def add_cut(cuts: Cuts, place: str, unit: str, kept: int, whole: int) -> None:
    """Add a cut to those of the same place, of which a list can have many."""
    kept_before, whole_before = cuts.get((place, unit), (0, 0))
    cuts[place, unit] = (kept_before + min(kept, whole), whole_before + whole)


def describe_cuts(cuts: Cuts) -> list[tuple[str, str]]:
    """Return each place that was cut, with a sentence about it."""
    return [
        (place, f"{place} has {kept} of {whole} {unit}")
        for (place, unit), (kept, whole) in cuts.items()
    ]


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
