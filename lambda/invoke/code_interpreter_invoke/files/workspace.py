"""The workspace of one session: the part of the bucket below `<prefix>/<session>/`."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..clients import Bucket
from ..errors import InvalidRequestError, NotFoundError, quote
from .paths import clean, defect

# What the sandbox produced, and what the user supplied.
PRODUCED = "code-interpreter"
UPLOADS = "uploads"
FOLDERS = (PRODUCED, UPLOADS)

# Lambda's answers have at most 6 MB (its quotas page), of which base64 makes 4 bytes of 3.
READ_BYTES = 4_000_000
# No part of a file is made shorter for the sake of a caller that can take little.
LEAST_BYTES = 60
# S3's limit for a page of ListObjectsV2.
PAGE = 1000

# Small objects are waited for more than they are worked on; botocore keeps ten connections.
REQUESTS_AT_ONCE = 8

# Whether a caller can take an answer whole.
Fits = Callable[[dict[str, Any]], bool]


class Upload(NamedTuple):
    """A file the user supplied. `path` is where it belongs in the working directory."""

    path: str
    key: str
    size: int
    etag: str


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

    def list(self, path: str | None, next_token: str | None, fits: Fits) -> dict[str, Any]:
        """One page of the files, named as `read` takes them, and so short that it `fits`."""
        folder = (path or "").strip("/")
        if folder:
            folder = clean(folder, "path") + "/"
        most = PAGE
        while not fits(answer := self._page(folder, next_token, most)) and most > 1:
            most //= 2
        return answer

    def _page(self, folder: str, next_token: str | None, most: int) -> dict[str, Any]:
        page = self.bucket.list(self._root + folder, next_token, most)
        files = [
            {
                "path": found.key.removeprefix(self._root),
                "size": found.size,
                "last_modified": found.last_modified.isoformat(),
            }
            for found in page.objects
            if not found.key.endswith("/")
        ]
        answer = {"status": "ok", "files": files, "count": len(files)}
        if page.next_token:
            answer |= {"truncated": True, "next_token": page.next_token}
        return answer

    def read(self, path: str, offset: int, fits: Fits) -> dict[str, Any]:
        """A file's content from `offset` on, or as much of it as `fits`."""
        found = self.bucket.get(self.key(path), offset=offset, limit=READ_BYTES)
        if found is None:
            raise NotFoundError(f"there is no file {quote(path)} in the workspace")
        body = found.body
        while not fits(answer := part(path, offset, body, found.size)) and len(body) > LEAST_BYTES:
            body = body[: len(body) // 2]
        return answer

    def write(self, path: str, content: str, encoding: str) -> dict[str, Any]:
        """Store a file from the caller."""
        key = self.key(path)
        body = content.encode() if encoding == "text" else decode_base64("content", content)
        self.bucket.put(key, body, content_type=content_type(path))
        return {"status": "ok", "path": path, "size": len(body)}


def part(path: str, offset: int, body: bytes, size: int) -> dict[str, Any]:
    """The answer with a part of a file that has `size` bytes."""
    if offset + len(body) < size:
        body = without_cut_character(body)
    encoding, content = as_content(body)
    answer = {
        "status": "ok",
        "path": path,
        "encoding": encoding,
        "content": content,
        "size": size,
    }
    end = offset + len(body)
    if end < size:
        answer |= {"truncated": True, "next_offset": end}
    return answer


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
