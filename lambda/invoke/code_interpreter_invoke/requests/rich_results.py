"""Rich results, in a form that the caller can take: large values become files of the workspace."""

from __future__ import annotations

import base64
import json
from typing import Any

from ..errors import RequestError
from ..files.rich_results import body_of, save_value
from ..files.workspace import Workspace
from ..responses import Image, MimeBundle, Response
from .callers import Caller
from .truncation import is_within_limit


def fit_results(response: Response, caller: Caller, workspace: Workspace) -> Response:
    """Return the response with `images`, and with files in place of values that are too large.

    A value is too large if its caller never takes one of its size, or if the whole response does
    not fit.
    """
    bundles = response.get("results")
    if not bundles:
        return response
    response = with_images({**response, "results": [dict(bundle) for bundle in bundles]})
    for size, number, kind in largest_values(response["results"]):
        if size <= caller.max_value_bytes and is_within_limit(response, caller):
            break
        move_value(response, number, kind, workspace)
        response = with_images(response)
    return response


def largest_values(bundles: list[MimeBundle]) -> list[tuple[int, int, str]]:
    """Return the size of each value in bytes, with its bundle's number and its MIME type."""
    sizes = [
        (len(json.dumps(value)), number, kind)
        for number, bundle in enumerate(bundles)
        for kind, value in bundle.items()
        if kind != "files"
    ]
    return sorted(sizes, reverse=True)


def move_value(response: Response, number: int, kind: str, workspace: Workspace) -> None:
    """Save a value to the workspace, unless it is saved already, and name its file in its place."""
    bundle = response["results"][number]
    value = bundle.pop(kind)
    if kind in bundle.get("files", {}):
        return
    try:
        path = save_value(workspace, kind, value)
    except RequestError as error:
        warning = f"a result of type {kind} was not saved: {error.message}"
        response["warnings"] = [*response.get("warnings", ()), warning]
        return
    bundle["files"] = {**bundle.get("files", {}), kind: path}
    response["files_saved"] = [*response.get("files_saved", ()), path]


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
