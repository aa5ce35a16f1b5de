"""Values of mime bundles as files of the workspace."""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
import uuid
from typing import TYPE_CHECKING, Any

from ..sandbox.sandbox import Sandbox
from .saving import save
from .workspace import PRODUCED, Workspace

if TYPE_CHECKING:
    from ..responses import MimeBundle

# The folder of the workspace for values, which the observer in the kernel uses, too.
FOLDER = "results"


def new_path(kind: str) -> str:
    """Return the path in the workspace for a value that is to be saved."""
    extension = mimetypes.guess_extension(kind) or ".bin"
    return f"{PRODUCED}/{FOLDER}/{uuid.uuid4().hex[:12]}{extension}"


def save_value(workspace: Workspace, kind: str, value: Any) -> str:
    """Save a value under a name of its own, and return its path in the workspace."""
    path = new_path(kind)
    save_as(workspace, path, kind, value)
    return path


def save_as(workspace: Workspace, path: str, kind: str, value: Any) -> None:
    """Save a value under its path in the workspace."""
    workspace.save(path.removeprefix(f"{PRODUCED}/"), body_of(kind, value))


def body_of(kind: str, value: Any) -> bytes:
    """Return a value's bytes: Jupyter sends binary formats as base64."""
    if not isinstance(value, str):
        return json.dumps(value).encode()
    if kind.startswith(("image/", "application/pdf")) and kind != "image/svg+xml":
        try:
            return base64.b64decode(value)
        except (binascii.Error, ValueError):
            pass  # the program displayed something else under this type
    return value.encode(errors="replace")


def save_files(
    sandbox: Sandbox, workspace: Workspace, bundles: list[MimeBundle]
) -> tuple[list[str], list[str]]:
    """Save the values that the observer has left in files of the sandbox.

    :return: The workspace paths of the saved files, and a warning for each of the others. The
        bundles name the saved files in the workspace, and no others.
    """
    paths = [path for bundle in bundles for path in bundle.get("files", {}).values()]
    if not paths:
        return [], []
    saved = save(sandbox, workspace, sandbox.inventory(paths))
    for bundle in bundles:
        files = {
            kind: f"{PRODUCED}/{path}"
            for kind, path in bundle.pop("files", {}).items()
            if f"{PRODUCED}/{path}" in saved.names
        }
        if files:
            bundle["files"] = files
    return saved.names, saved.warnings
