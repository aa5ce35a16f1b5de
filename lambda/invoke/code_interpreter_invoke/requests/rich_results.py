"""Rich results, in a form that the caller can take: large values become files of the workspace."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import RequestError
from ..files.rich_results import body_of, new_path, save_as
from ..files.workspace import REQUESTS_AT_ONCE, Workspace
from ..fitting import largest_that_fits
from .callers import Caller
from .limits import share_of_limit

if TYPE_CHECKING:
    from ..responses import Image, MimeBundle, Response

# A file's path stands in its bundle and in `files_saved`, with about 150 bytes of JSON. A value of
# this size or less, in bytes, makes no room when it is moved.
MIN_MOVED_BYTES = 200
# The most values that are moved to make room. Truncation makes the rest of it, and saves the whole
# response as a single file.
MAX_MOVED = 20


class Value(NamedTuple):
    """A value of a bundle, by the bundle's number, and the file that can take its place.

    `size` is in bytes. The path of a value that `is_saved` is that of a file of the workspace.
    """

    size: int
    number: int
    kind: str
    path: str
    is_saved: bool


def fit_results(response: Response, caller: Caller, workspace: Workspace) -> Response:
    """Return the response with `images`, and with files in the place of large values.

    Every value above its caller's limit for a value becomes a file. If the response still does not
    fit, so do the largest of the others.
    """
    bundles = response.get("results")
    if not bundles:
        return response
    values = largest_values(bundles)
    count = sum(value.size > caller.max_value_bytes for value in values)
    too_large = values[:count]
    movable = [value for value in values[count:] if value.size > MIN_MOVED_BYTES][:MAX_MOVED]
    moved = largest_that_fits(
        lambda kept: [*too_large, *movable[: len(movable) - kept]],
        len(movable),
        lambda chosen: share_of_limit(with_files(response, chosen, {}), caller),
        minimum=0,
    )
    return with_files(response, moved, save_values(bundles, moved, workspace))


def largest_values(bundles: list[MimeBundle]) -> list[Value]:
    """Return the values, the largest first."""
    values = [
        Value(
            len(json.dumps(value)),
            number,
            kind,
            bundle.get("files", {}).get(kind) or new_path(kind),
            kind in bundle.get("files", {}),
        )
        for number, bundle in enumerate(bundles)
        for kind, value in bundle.items()
        if kind != "files"
    ]
    return sorted(values, reverse=True)


def save_values(
    bundles: list[MimeBundle], values: Sequence[Value], workspace: Workspace
) -> dict[Value, str]:
    """Save values that are not saved yet, and return the errors of those that cannot be."""

    def save(value: Value) -> str | None:
        try:
            save_as(workspace, value.path, value.kind, bundles[value.number][value.kind])
        except RequestError as error:
            return error.message
        return None

    unsaved = [value for value in values if not value.is_saved]
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        errors = list(pool.map(save, unsaved))
    return {value: error for value, error in zip(unsaved, errors, strict=True) if error}


def with_files(response: Response, moved: Sequence[Value], errors: Mapping[Value, str]) -> Response:
    """Return the response with files in the place of values, and with its images.

    :param errors: The values that could not be saved; they are left out.
    """
    bundles: list[MimeBundle] = [dict(bundle) for bundle in response["results"]]
    for value in moved:
        bundle = bundles[value.number]
        del bundle[value.kind]
        if value not in errors:
            bundle["files"] = {**bundle.get("files", {}), value.kind: value.path}
    fitted: Response = {**response, "results": bundles}
    saved = [value.path for value in moved if not value.is_saved and value not in errors]
    if saved:
        fitted["files_saved"] = [*response.get("files_saved", ()), *saved]
    if errors:
        warnings = [
            f"a result of type {value.kind} was not saved: {error}"
            for value, error in errors.items()
        ]
        fitted["warnings"] = [*response.get("warnings", ()), *warnings]
    return with_images(fitted)


def with_images(response: Response) -> Response:
    """Return the response with the image of each result that has one."""
    images = [image for image in map(image_of, response["results"]) if image]
    return {**response, "images": images} if images else response


def image_of(bundle: MimeBundle) -> Image | None:
    """Return the image of a mime bundle, the first one if it has several formats."""
    values: dict[str, Any] = {**bundle.get("files", {}), **bundle}
    kind = next((kind for kind in values if kind.startswith("image/")), None)
    if kind is None:
        return None
    if kind not in bundle:
        return {"mime_type": kind, "file": values[kind]}
    data = str(values[kind])
    if kind == "image/svg+xml":
        data = base64.b64encode(body_of(kind, data)).decode()
    return {"mime_type": kind, "data": data}
