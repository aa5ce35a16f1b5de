"""The workspace of one session: the part of the bucket below `<prefix>/<session>/`."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..clients import Bucket, ListedObject
from ..errors import InvalidRequestError, NotFoundError, quote
from .paths import clean, defect

# What the sandbox produced, and what the user supplied.
PRODUCED = "code-interpreter"
UPLOADS = "uploads"
FOLDERS = (PRODUCED, UPLOADS)

# Lambda's answers have at most 6 MB (its quotas page), of which base64 makes 4 bytes of 3.
READ_BYTES = 4_000_000
# Smallest part of a file to return, in bytes, however small the caller's limit.
MIN_READ_BYTES = 60

# Small objects are waited for more than they are worked on; botocore keeps ten connections.
REQUESTS_AT_ONCE = 8


class Upload(NamedTuple):
    """A file the user supplied. `path` is where it belongs in the working directory."""

    path: str
    key: str
    size: int
    etag: str


class FileList(NamedTuple):
    """A page of the workspace's files, whose keys begin with `root`."""

    root: str
    objects: list[ListedObject]
    truncated: bool

    def response(self, count: int) -> dict[str, Any]:
        """Return a response with the first `count` objects of the page."""
        objects = self.objects[:count]
        files = [
            {
                "path": found.key.removeprefix(self.root),
                "size": found.size,
                "last_modified": found.last_modified.isoformat(),
            }
            for found in objects
            if not found.key.endswith("/")
        ]
        response = {"status": "ok", "files": files, "count": len(files)}
        if self.truncated or len(objects) < len(self.objects):
            last = objects[-1].key.removeprefix(self.root)
            response |= {"truncated": True, "next_token": base64.b64encode(last.encode()).decode()}
        return response


class FilePart(NamedTuple):
    """A part of a file that has `size` bytes."""

    path: str
    offset: int
    body: bytes
    size: int

    def response(self, length: int) -> dict[str, Any]:
        """Return a response with the first `length` bytes of the part."""
        body = self.body[:length]
        if self.offset + len(body) < self.size:
            body = without_cut_character(body)
        encoding, content = as_content(body)
        response = {
            "status": "ok",
            "path": self.path,
            "encoding": encoding,
            "content": content,
            "size": self.size,
        }
        end = self.offset + len(body)
        if end < self.size:
            response |= {"truncated": True, "next_offset": end}
        return response


class Workspace:
    """The files of one session; every key it makes is inside the session's own prefix."""

    def __init__(self, bucket: Bucket, prefix: str, session: str) -> None:
        self.bucket = bucket
        self._root = f"{prefix}/{session}/"

    def key(self, path: str) -> str:
        """The key of a logical path such as `code-interpreter/chart.png`."""
        path = clean(path, "path")
        folder, _, rest = path.partition("/")
        if folder not in FOLDERS or not rest:
            raise InvalidRequestError(
                f"path {quote(path)} is not in the workspace: it begins with "
                f"{PRODUCED}/ or {UPLOADS}/"
            )
        return self._root + path

    def produced_key(self, path: str) -> str:
        """The key of a file the sandbox produced."""
        return self.key(f"{PRODUCED}/{path}")

    def save(self, path: str, body: bytes) -> None:
        """Store a file the sandbox produced."""
        self.bucket.put(self.produced_key(path), body, content_type=content_type(path))

    def uploads(self) -> Iterator[Upload]:
        """The files the user supplied; folder markers and names no sandbox can hold left out."""
        folder = f"{self._root}{UPLOADS}/"
        for found in self.bucket.list_all(folder):
            path = found.key.removeprefix(folder)
            if defect(path) is None:
                yield Upload(path, found.key, found.size, found.etag)

    def list(self, path: str | None, next_token: str | None) -> FileList:
        """Return a page of the files below a path; a page begins behind its token's path.

        :raises InvalidRequestError: if the token is not of a page of the same path
        """
        folder = (path or "").strip("/")
        if folder:
            folder = clean(folder, "path") + "/"
        start_after = ""
        if next_token:
            start_after = self._root + path_of_token(next_token, folder)
        page = self.bucket.list(self._root + folder, start_after=start_after)
        return FileList(self._root, page.objects, page.truncated)

    def read(self, path: str, offset: int) -> FilePart:
        """Return the part of a file that begins at `offset`, of at most `READ_BYTES`.

        :raises NotFoundError: if there is no such file
        """
        found = self.bucket.get(self.key(path), offset=offset, limit=READ_BYTES)
        if found is None:
            raise NotFoundError(f"there is no file {quote(path)} in the workspace")
        return FilePart(path, offset, found.body, found.size)

    def write(self, path: str, content: str, encoding: str) -> dict[str, Any]:
        """Store a file from the caller."""
        key = self.key(path)
        body = content.encode() if encoding == "text" else decode_base64("content", content)
        self.bucket.put(key, body, content_type=content_type(path))
        return {"status": "ok", "path": path, "size": len(body)}


def path_of_token(token: str, folder: str) -> str:
    """Return the path of the last object on the page before."""
    refusal = InvalidRequestError(
        "next_token must be the next_token of the previous response for the same path"
    )
    try:
        path = base64.b64decode(token, validate=True).decode()
    except ValueError:
        raise refusal from None
    if not path.startswith(folder):
        raise refusal
    return path


def as_content(body: bytes) -> tuple[str, str]:
    """The encoding and the content of a file: its bytes decide, not its name.

    Text is UTF-8 without NUL; everything else is base64.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return "base64", base64.b64encode(body).decode()
    return "text", text


def decode_base64(where: str, text: str) -> bytes:
    """Return the bytes of a base64 text.

    :raises InvalidRequestError: naming the argument `where` the text was given, if it is not base64
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequestError(f"{where} is not base64") from None


def without_cut_character(body: bytes) -> bytes:
    """The beginning of a UTF-8 text without a character that it ends within."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return body[: error.start]
    return body


def content_type(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"
