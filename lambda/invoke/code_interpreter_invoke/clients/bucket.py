"""The workspace bucket."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple, ParamSpec, TypeVar
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from ..deadline import Deadline
from ..errors import DeniedError, NotStartedError, RequestError
from .botocore_clients import Clients
from .errors import error_code, error_text, http_status
from .time_limit import TimeLimit

P = ParamSpec("P")
T = TypeVar("T")

# A transfer only has to begin before its presigned URL expires.
URL_SECONDS = 300

# The code of the error with status 409, and the seconds before each further attempt.
CONFLICT = "ConditionalRequestConflict"
CONFLICT_PAUSES = (0.05, 0.1, 0.2)


class StoredObject(NamedTuple):
    """An object, or a part of it. `size` is the size of the whole object."""

    body: bytes
    etag: str
    size: int


class ListedObject(NamedTuple):
    key: str
    size: int
    etag: str
    last_modified: datetime


class ObjectPage(NamedTuple):
    """Objects in the order of their keys. With `truncated`, more keys follow the last one."""

    objects: list[ListedObject]
    truncated: bool


class PreconditionFailedError(Exception):
    """Another writer was first, or S3 applied this write and the response was lost."""


class Bucket:
    """The workspace bucket, for one request to the function."""

    def __init__(self, clients: Clients, name: str, deadline: Deadline) -> None:
        self._s3 = clients.s3
        self._name = name
        self._deadline = deadline

    def get(self, key: str, *, offset: int = 0, limit: int | None = None) -> StoredObject | None:
        """Return the object, or `limit` bytes of it from `offset`; None if there is no object."""
        ranged = {} if limit is None else {"Range": f"bytes={offset}-{offset + limit - 1}"}

        def read() -> StoredObject:
            response = self._s3.get_object(Bucket=self._name, Key=key, **ranged)
            size = int(
                response.get("ContentRange", "").rpartition("/")[2] or response["ContentLength"]
            )
            return StoredObject(response["Body"].read(), response["ETag"], size)

        try:
            return self._call("GetObject", read)
        except ClientError as error:
            if http_status(error) == 416:
                # There is no byte at `offset`: the object is empty or shorter.
                return self._beyond_the_end(key)
            if self._is_absent(key, error):
                return None
            raise self._failed("GetObject", error) from None

    def _is_absent(self, key: str, error: ClientError) -> bool:
        """Tell whether an error means that there is no object.

        S3 returns 404 only to callers that may list the whole bucket, and 403 to others.
        """
        if http_status(error) == 403:
            return all(found.key != key for found in self.list(key).objects)
        return http_status(error) == 404

    def _beyond_the_end(self, key: str) -> StoredObject | None:
        head = self._checked("HeadObject", self._s3.head_object, Key=key)
        return StoredObject(b"", head["ETag"], head["ContentLength"])

    def put(
        self,
        key: str,
        body: bytes,
        *,
        content_type: str = "application/octet-stream",
        if_match: str | None = None,
        if_absent: bool = False,
    ) -> str:
        """Store an object and return its ETag.

        :raises PreconditionFailedError: if the condition `if_match` or `if_absent` does not hold
        """
        condition = {"IfMatch": if_match} if if_match else {"IfNoneMatch": "*"} if if_absent else {}
        try:
            response = self._put(
                {"Key": key, "Body": body, "ContentType": content_type, **condition}
            )
            return str(response["ETag"])
        except ClientError as error:
            # For If-Match on a missing object S3 returns NoSuchKey, or 403 to callers that may not
            # list the whole bucket.
            if condition and error_code(error) in ("PreconditionFailed", CONFLICT, "NoSuchKey"):
                raise PreconditionFailedError from None
            if if_match and http_status(error) == 403 and self._is_absent(key, error):
                raise PreconditionFailedError from None
            raise self._failed("PutObject", error) from None

    def _put(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Send PutObject, and send it again after a conflict, as S3 asks for.

        S3 returns a conflict for two conditional writes at once, perhaps to both of them. Nothing
        is known of the condition then.
        """
        for pause in CONFLICT_PAUSES:
            try:
                return self._call("PutObject", self._s3.put_object, Bucket=self._name, **arguments)
            except ClientError as error:
                if error_code(error) != CONFLICT:
                    raise
            time.sleep(pause)
        return self._call("PutObject", self._s3.put_object, Bucket=self._name, **arguments)

    def list(self, prefix: str, *, start_after: str = "", delimiter: str = "") -> ObjectPage:
        """Return the objects after a key, in the order of their keys; S3 gives 1000 at a time.

        :param delimiter: Leave out keys that have it after the prefix.
        """
        without_folders = {"Delimiter": delimiter} if delimiter else {}
        response = self._checked(
            "ListObjectsV2",
            self._s3.list_objects_v2,
            Prefix=prefix,
            StartAfter=start_after,
            **without_folders,
        )
        objects = [
            ListedObject(item["Key"], item["Size"], item["ETag"], item["LastModified"])
            for item in response.get("Contents", [])
        ]
        return ObjectPage(objects, response["IsTruncated"])

    def list_all(self, prefix: str, *, delimiter: str = "") -> Iterator[ListedObject]:
        """Yield every object under a prefix, with one request for each thousand."""
        page = self.list(prefix, delimiter=delimiter)
        yield from page.objects
        while page.truncated:
            page = self.list(prefix, start_after=page.objects[-1].key, delimiter=delimiter)
            yield from page.objects

    def delete(self, key: str) -> None:
        """Delete an object. S3 says the same whether there was one or not."""
        self._checked("DeleteObject", self._s3.delete_object, Key=key)

    def presigned_get(
        self, key: str, *, seconds: int = URL_SECONDS, file_name: str | None = None
    ) -> str:
        """Return a URL that reads this object, without credentials, for some seconds.

        :param file_name: The name under which a browser saves it.
        """
        disposition = {}
        if file_name is not None:
            # RFC 6266, with the encoding of RFC 8187.
            header = f"attachment; filename*=UTF-8''{quote(file_name, safe='')}"
            disposition = {"ResponseContentDisposition": header}
        return self._presigned("get_object", seconds, Key=key, **disposition)

    def presigned_put(self, key: str, size: int, *, seconds: int = URL_SECONDS) -> str:
        """Return a URL that writes this object, of exactly `size` bytes, for some seconds."""
        return self._presigned("put_object", seconds, Key=key, ContentLength=size)

    def _presigned(self, operation: str, seconds: int, **parameters: Any) -> str:
        parameters["Bucket"] = self._name
        try:
            url: str = self._s3.generate_presigned_url(operation, parameters, seconds)
        except BotoCoreError as error:
            raise self._failed("Signing a URL", error) from None
        return url

    def begin_parts(self, key: str, content_type: str) -> str:
        """Begin a multipart upload, of parts of at least 5 MiB but the last, and return its id."""
        response = self._checked(
            "CreateMultipartUpload",
            self._s3.create_multipart_upload,
            Key=key,
            ContentType=content_type,
        )
        return str(response["UploadId"])

    def put_part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        """Store a part, numbered from 1, and return its ETag."""
        response = self._checked(
            "UploadPart",
            self._s3.upload_part,
            Key=key,
            UploadId=upload_id,
            PartNumber=number,
            Body=body,
        )
        return str(response["ETag"])

    def complete_parts(self, key: str, upload_id: str, etags: Iterable[str]) -> None:
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        self._checked(
            "CompleteMultipartUpload",
            self._s3.complete_multipart_upload,
            Key=key,
            UploadId=upload_id,
            MultipartUpload={"Parts": parts},
        )

    def _checked(self, name: str, operation: Any, **arguments: Any) -> dict[str, Any]:
        try:
            response: dict[str, Any] = self._call(name, operation, Bucket=self._name, **arguments)
        except ClientError as error:
            raise self._failed(name, error) from None
        return response

    def _call(self, name: str, send: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Send a request.

        :raises ClientError: if S3 refuses it, for the calling method to interpret
        """
        try:
            with TimeLimit(self._deadline.remaining_for_requests()):
                return send(*args, **kwargs)
        except (BotoCoreError, HTTPError, OSError) as error:
            raise self._failed(name, error) from None

    def _failed(self, name: str, error: Exception) -> RequestError:
        text = f"{name} on the workspace bucket: {error_text(error)}"
        status = http_status(error) if isinstance(error, ClientError) else 0
        if status == 403:
            return DeniedError(text)
        return NotStartedError(text, retryable=not 400 <= status < 500)
