"""The workspace of one session: the part of the bucket below `<prefix>/<session>/`."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..clients import Bucket, ListedObject
from ..errors import InvalidRequestError, NotFoundError, RequestError, quote
from .paths import clean, defect, strip_dots

if TYPE_CHECKING:
    from ..responses import Response, WorkspaceFile

T = TypeVar("T")

# The folders of saved files and of uploads.
PRODUCED = "code-interpreter"
UPLOADS = "uploads"
FOLDERS = (PRODUCED, UPLOADS)
# The folder that keeps the whole of truncated responses.
RESPONSES = f"{PRODUCED}/responses"

# A response of Lambda has at most 6 MB (its quotas page); base64 makes 4 bytes of 3.
READ_BYTES = 4_000_000
# Smallest part of a file to return, in bytes, however small the caller's limit.
MIN_READ_BYTES = 60

LINE_BREAK = re.compile(r"[\r\n]+")

# Transfers of small objects are mostly waiting; botocore keeps ten connections.
REQUESTS_AT_ONCE = 8


class StoredFile(NamedTuple):
    """A file of the workspace. `path` is its path below `folder`, and in the working directory.

    `supplied_at` is when it was last written, in seconds since the epoch. `problem` says why a
    sandbox cannot have a file of this path.
    """

    folder: str
    path: str
    key: str
    size: int
    etag: str
    supplied_at: float
    problem: str | None

    @property
    def name(self) -> str:
        """The path in the workspace."""
        return f"{self.folder}/{self.path}"


class Deleted(NamedTuple):
    """The workspace paths of the deleted files, and a warning for each of the others."""

    names: list[str]
    warnings: list[str]


class FileList(NamedTuple):
    """A page of the workspace's files, whose keys begin with `root`."""

    root: str
    objects: list[ListedObject]
    truncated: bool

    def response(self, count: int) -> Response:
        """Return a response with the first `count` objects of the page."""
        objects = self.objects[:count]
        files: list[WorkspaceFile] = [
            workspace_file(found.key.removeprefix(self.root), found)
            for found in objects
            if not is_folder_marker(found)
        ]
        response: Response = {"status": "ok", "files": files, "count": len(files)}
        if self.truncated or len(objects) < len(self.objects):
            last = objects[-1].key.removeprefix(self.root)
            response["truncated"] = True
            response["next_token"] = base64.b64encode(last.encode()).decode()
        return response


class FilePart(NamedTuple):
    """A part of a file that has `size` bytes."""

    path: str
    offset: int
    body: bytes
    size: int

    def response(self, length: int) -> Response:
        """Return a response with the first `length` bytes of the part."""
        body = self.body[:length]
        if self.offset + len(body) < self.size:
            body = without_cut_character(body)
        encoding, content = as_content(body)
        response: Response = {
            "status": "ok",
            "path": self.path,
            "encoding": encoding,
            "content": content,
            "size": self.size,
        }
        end = self.offset + len(body)
        if end < self.size:
            response["truncated"] = True
            response["next_offset"] = end
        return response


class Workspace:
    """The files of one session. Every key is inside the session's own prefix."""

    def __init__(
        self,
        bucket: Bucket,
        prefix: str,
        session: str,
        *,
        allow_delete: bool = False,
        allow_links: bool = True,
    ) -> None:
        """Take the bucket.

        :param allow_delete: Whether the function may delete files.
        :param allow_links: Whether callers can use presigned URLs.
        """
        self.bucket = bucket
        self._allow_delete = allow_delete
        # From or to the sandbox; the code that copies counts it.
        self.bytes_copied = 0
        self._allow_links = allow_links
        self._root = f"{prefix}/{session}/"

    def key(self, path: str) -> str:
        """Return the key of a workspace path such as `code-interpreter/chart.png`."""
        stripped = strip_dots(path)
        problem = problem_with(stripped)
        if problem:
            raise InvalidRequestError(f"path {quote(path)} is not allowed: {problem}")
        return self._root + stripped

    def produced_key(self, path: str) -> str:
        return self.key(f"{PRODUCED}/{path}")

    def save(self, path: str, body: bytes) -> None:
        """Store a file of the sandbox under its path there."""
        self.bucket.put(self.produced_key(path), body, content_type=content_type(path))

    def uploads(self) -> Iterator[StoredFile]:
        """Yield the uploads, also those that no sandbox can have."""
        return self._files_below(UPLOADS)

    def file(self, path: str) -> StoredFile | None:
        """Return the file at a workspace path, or None if there is none."""
        key = self.key(path)
        # Among the keys that begin with a key, the key itself comes first.
        for found in self.bucket.list(key).objects[:1]:
            if found.key == key:
                return self._stored_file(found)
        return None

    def find(self, paths: list[str]) -> list[StoredFile]:
        """Return the files at workspace paths, each of a file or of a folder.

        :raises NotFoundError: naming the paths that have no file
        """
        folders = [strip_dots(path).removesuffix("/") for path in paths]
        found = self._found(folders, self._file_or_folder)
        return list({file.key: file for files in found for file in files}.values())

    def delete(self, paths: list[str]) -> Deleted:
        """Delete the files at workspace paths.

        :raises InvalidRequestError: if the deployment does not let the function delete files
        :raises NotFoundError: naming the paths that have no file; nothing is deleted then
        :raises RequestError: if no file could be deleted
        """
        if not self._allow_delete:
            raise InvalidRequestError(
                "workspace_delete is switched off in this deployment; it takes allow_delete of the "
                "construct InvokeFunction, or the app's setting code-interpreter:workspace-delete"
            )
        names = [strip_dots(path) for path in paths]
        files = self._found(list(dict.fromkeys(names)), self.file)
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            deleting = {file: pool.submit(self.bucket.delete, file.key) for file in files}
        errors: dict[str, RequestError] = {}
        for file, deletion in deleting.items():
            try:
                deletion.result()
            except RequestError as error:
                errors[file.name] = error
        deleted = [file.name for file in files if file.name not in errors]
        if not deleted:
            raise errors[files[0].name]
        return Deleted(
            deleted,
            [f"{name} was not deleted: {error.message}" for name, error in errors.items()],
        )

    def check_links_allowed(self) -> None:
        """Check that callers can use presigned URLs.

        :raises InvalidRequestError: if the bucket refuses those that are used outside of the
            sandboxes' network
        """
        if not self._allow_links:
            raise InvalidRequestError(
                "workspace_link is refused in this deployment: its network is sealed, and the "
                "bucket refuses URLs that are used outside of it; use workspace_read and "
                "workspace_write, or deploy with allow_links of the construct Workspace (the app's "
                "setting code-interpreter:sealed-links), after which everybody who gets a URL can "
                "use it from anywhere until it expires",
                links_refused=True,
            )

    def download_url(self, path: str, seconds: int) -> str:
        """Return a URL that downloads a file.

        :raises NotFoundError: if there is no such file
        """
        [file] = self._found([path], self.file)
        name = file.path.rpartition("/")[2]
        return self.bucket.presigned_get(file.key, seconds=seconds, file_name=name)

    def upload_url(self, path: str, size: int, seconds: int) -> str:
        """Return a URL that uploads a file of exactly `size` bytes."""
        return self.bucket.presigned_put(self.key(path), size, seconds=seconds)

    def saved_files(self) -> list[StoredFile]:
        """Return all that the session saved, without the responses that were truncated."""
        files = self._files_below(PRODUCED)
        return [file for file in files if not file.name.startswith(f"{RESPONSES}/")]

    def _file_or_folder(self, path: str) -> list[StoredFile]:
        if path == PRODUCED:
            return self.saved_files()
        file = None if path == UPLOADS else self.file(path)
        return [file] if file else list(self._files_below(path))

    def _found(self, paths: list[str], look_up: Callable[[str], T | None]) -> list[T]:
        """Look paths up at once.

        :raises InvalidRequestError: if one of them is not allowed
        :raises NotFoundError: naming the paths for which nothing was found
        """
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            found = list(pool.map(look_up, paths))
        missing = [path for path, item in zip(paths, found, strict=True) if not item]
        if missing:
            raise self._no_file(missing)
        return [item for item in found if item]

    def _no_file(self, paths: list[str]) -> NotFoundError:
        """Return the error for workspace paths without a file; it says which are folders."""
        folders = [path for path in paths if any(self._files_below(strip_dots(path)))]
        produced = [path for path in map(strip_dots, paths) if path.startswith(f"{PRODUCED}/")]
        uploads = [path.replace(PRODUCED, UPLOADS, 1) for path in produced]
        return NotFoundError(
            f"there is no file {', '.join(map(quote, paths))} in the workspace"
            + "".join(f"; {quote(path)} is a folder: name its files" for path in folders)
            + "".join(f"; did you mean {quote(path)}?" for path in uploads if self.file(path))
        )

    def _files_below(self, folder: str) -> Iterator[StoredFile]:
        for found in self.bucket.list_all(f"{self._root}{folder}/"):
            if not is_folder_marker(found):
                yield self._stored_file(found)

    def _stored_file(self, found: ListedObject) -> StoredFile:
        folder, _, path = found.key.removeprefix(self._root).partition("/")
        supplied_at = found.last_modified.timestamp()
        return StoredFile(
            folder, path, found.key, found.size, found.etag, supplied_at, defect(path)
        )

    def list(self, path: str | None, next_token: str | None) -> FileList:
        """Return the first page of the files below a path, or the page after `next_token`.

        :raises InvalidRequestError: if `next_token` is not from a response for the same path
        """
        folder = (path or "").strip("/")
        if folder:
            folder = clean(folder, "path") + "/"
        # Skip the folder marker of the session itself, whose path and token would be empty.
        start_after = self._root
        if next_token:
            start_after += path_of_token(next_token, folder)
        page = self.bucket.list(self._root + folder, start_after=start_after)
        return FileList(self._root, page.objects, page.truncated)

    def read(self, path: str, offset: int) -> FilePart:
        """Return the part of a file that begins at `offset`, of at most `READ_BYTES`.

        :raises NotFoundError: if there is no such file
        """
        found = self.bucket.get(self.key(path), offset=offset, limit=READ_BYTES)
        if found is None:
            raise self._no_file([path])
        return FilePart(path, offset, found.body, found.size)

    def write(self, path: str, content: str, encoding: str) -> Response:
        """Store a file of the caller's."""
        key = self.key(path)
        body = content.encode() if encoding == "text" else decode_base64("content", content)
        self.bucket.put(key, body, content_type=content_type(path))
        return {"status": "ok", "path": path, "size": len(body)}


def problem_with(path: str) -> str | None:
    """Return the problem with the path of a file of the workspace, or None."""
    if path.endswith("/") or path in FOLDERS:
        return "it is the name of a folder, not of a file"
    folder, _, rest = path.partition("/")
    if folder not in FOLDERS or not rest:
        return f"a file of the workspace is in {PRODUCED}/ or {UPLOADS}/"
    return defect(rest)


def workspace_file(path: str, found: ListedObject) -> WorkspaceFile:
    """Describe an object whose key ends with a workspace path, for a listing."""
    file: WorkspaceFile = {
        "path": path,
        "size": found.size,
        "last_modified": found.last_modified.isoformat(),
    }
    problem = problem_with(path)
    if problem:
        file["problem"] = f"no tool can use it: {problem}"
    return file


def is_folder_marker(found: ListedObject) -> bool:
    """Tell whether an object only shows a folder, as S3's console makes them."""
    return found.key.endswith("/") and found.size == 0


def path_of_token(token: str, folder: str) -> str:
    """Return the path of the last object on the previous page."""
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
    """Return the encoding and the content of a file, which its bytes decide, not its name.

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
    """Return the bytes of a base64 text, which may have line breaks (RFC 2045) and outer blanks.

    :raises InvalidRequestError: naming the argument `where` the text was given, if it is not base64
    """
    try:
        return base64.b64decode(LINE_BREAK.sub("", text.strip()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequestError(f"{where} is not base64") from None


def without_cut_character(body: bytes) -> bytes:
    """Return UTF-8 bytes without the incomplete character at their end, if there is one."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return body[: error.start]
    return body


def content_type(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"
