"""Paths of files, from callers and from sandboxes. None may lead out of its folder."""

from __future__ import annotations

import unicodedata

from ..errors import InvalidRequestError, quote

# S3's limit for a key is 1024 bytes of UTF-8 (S3 user guide, "Creating object key names"); the
# workspace prefix, the session and the folder come before the path.
MAX_PATH_BYTES = 700


def defect(path: str) -> str | None:
    """Return the problem with a relative path, or None.

    A path has a problem if S3, a shell or a file system could take it for another file.
    """
    if not path:
        return "it is empty"
    if path.startswith("/"):
        return "it is absolute; paths are relative to the working directory"
    if "\\" in path:
        return "it has a backslash; folders are separated by /"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in path):
        return "it has control characters"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "it has an empty, '.' or '..' part"
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"it is longer than {MAX_PATH_BYTES} bytes"
    return None


def clean(path: str, what: str) -> str:
    """Return the path without a leading `./`.

    :raises InvalidRequestError: naming the argument `what`, if the path has a problem
    """
    stripped = strip_dots(path)
    problem = defect(stripped)
    if problem:
        raise InvalidRequestError(f"{what} {quote(path)} is not allowed: {problem}")
    return stripped


def strip_dots(path: str) -> str:
    """Return the path without leading `./`."""
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path


def clean_folder(path: str) -> str:
    """Clean the path of a file or a folder, which may end with a slash."""
    return clean(path.removesuffix("/"), "path")
