"""S3 in memory, behind the methods of botocore's client."""

from __future__ import annotations

import datetime
import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.fakes.client_error import client_error

BUCKET = "workspace-bucket"
PREFIX = "workspace"
RECORDS_PREFIX = "sessions/workspace/111111111111.eu-west-1.Test.c8/"


class Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content


class FakeS3:
    """The S3 operations that the function uses, with their conditions; records the calls."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str, datetime.datetime]] = {}
        self.calls: list[tuple[str, str]] = []
        self.page_size = 1000
        self.now = time.time
        # S3's documents leave open whether If-Match on a missing object is a 404 or a 403 for a
        # caller that may list only a part of the bucket.
        self.refuses_missing = False
        self.lock = threading.RLock()
        # Called with the operation's name and key before and after it is applied; may raise.
        self.before: Callable[[str, str], None] = lambda operation, key: None
        self.after: Callable[[str, str], None] = lambda operation, key: None

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes,
        ContentType: str = "",  # noqa: ARG002 - boto3's callers name it
        IfMatch: str | None = None,
        IfNoneMatch: str | None = None,
    ) -> dict[str, Any]:
        assert Bucket == BUCKET
        self._begin("PutObject", Key)
        with self.lock:
            present = self.objects.get(Key)
            if IfNoneMatch and present:
                raise client_error("PreconditionFailed", 412, "PutObject")
            if IfMatch and present is None and self.refuses_missing:
                raise client_error("AccessDenied", 403, "PutObject")
            if IfMatch and present is None:
                raise client_error("NoSuchKey", 404, "PutObject")
            if IfMatch and present and present[1] != IfMatch:
                raise client_error("PreconditionFailed", 412, "PutObject")
            etag = f'"{hashlib.md5(Body).hexdigest()}"'
            modified = datetime.datetime.fromtimestamp(self.now(), datetime.UTC)
            self.objects[Key] = (Body, etag, modified)
        self.after("PutObject", Key)
        return {"ETag": etag}

    def get_object(self, *, Bucket: str, Key: str, Range: str | None = None) -> dict[str, Any]:
        assert Bucket == BUCKET
        self._begin("GetObject", Key)
        with self.lock:
            if Key not in self.objects:
                raise client_error("NoSuchKey", 404, "GetObject")
            content, etag, _ = self.objects[Key]
        response = {"ETag": etag, "ContentLength": len(content), "Body": Body(content)}
        if Range:
            first, last = (int(part) for part in Range.removeprefix("bytes=").split("-"))
            if first >= len(content):
                raise client_error("InvalidRange", 416, "GetObject")
            part = content[first : last + 1]
            response |= {
                "ContentLength": len(part),
                "ContentRange": f"bytes {first}-{first + len(part) - 1}/{len(content)}",
                "Body": Body(part),
            }
        return response

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        assert Bucket == BUCKET
        self._begin("HeadObject", Key)
        content, etag, _ = self.objects[Key]
        return {"ETag": etag, "ContentLength": len(content)}

    def delete_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        assert Bucket == BUCKET
        self._begin("DeleteObject", Key)
        with self.lock:
            self.objects.pop(Key, None)
        return {}

    def list_objects_v2(
        self,
        *,
        Bucket: str,
        Prefix: str,
        StartAfter: str,
        Delimiter: str | None = None,
    ) -> dict[str, Any]:
        assert Bucket == BUCKET
        self._begin("ListObjectsV2", Prefix)
        with self.lock:
            keys = sorted(
                key
                for key in self.objects
                if key.startswith(Prefix)
                and key > StartAfter
                and not (Delimiter and Delimiter in key.removeprefix(Prefix))
            )
            page = keys[: self.page_size]
            contents = [
                {
                    "Key": key,
                    "Size": len(self.objects[key][0]),
                    "ETag": self.objects[key][1],
                    "LastModified": self.objects[key][2],
                }
                for key in page
            ]
        return {
            "Contents": contents,
            "KeyCount": len(contents),
            "IsTruncated": len(page) < len(keys),
        }

    def generate_presigned_url(
        self, operation: str, parameters: dict[str, Any], seconds: int
    ) -> str:
        """Return a URL without a server, as if the sandbox could not reach S3."""
        assert parameters["Bucket"] == BUCKET
        assert 0 < seconds <= 900
        self._begin(f"presigned {operation}", parameters["Key"])
        self.signed = {**parameters, "seconds": seconds}
        return f"http://127.0.0.1:9/{parameters['Key']}?X-Amz-Signature=secret"

    def create_multipart_upload(
        self,
        *,
        Bucket: str,  # noqa: ARG002 - boto3's callers name it
        Key: str,
        ContentType: str,  # noqa: ARG002 - boto3's callers name it
    ) -> dict[str, Any]:
        self._begin("CreateMultipartUpload", Key)
        self.parts: dict[int, bytes] = {}
        return {"UploadId": "the-upload"}

    def upload_part(
        self,
        *,
        Bucket: str,  # noqa: ARG002 - boto3's callers name it
        Key: str,
        UploadId: str,
        PartNumber: int,
        Body: bytes,
    ) -> dict[str, Any]:
        assert UploadId == "the-upload"
        self._begin("UploadPart", Key)
        self.parts[PartNumber] = Body
        return {"ETag": f'"{PartNumber}"'}

    def complete_multipart_upload(
        self,
        *,
        Bucket: str,
        Key: str,
        UploadId: str,
        MultipartUpload: dict[str, Any],
    ) -> dict[str, Any]:
        assert UploadId == "the-upload"
        numbers = [part["PartNumber"] for part in MultipartUpload["Parts"]]
        assert [part["ETag"] for part in MultipartUpload["Parts"]] == [f'"{n}"' for n in numbers]
        assert all(len(self.parts[number]) >= 5 * 1024 * 1024 for number in numbers[:-1])
        self.put_object(Bucket=Bucket, Key=Key, Body=b"".join(self.parts[n] for n in numbers))
        return {}

    def _begin(self, operation: str, key: str) -> None:
        with self.lock:
            self.calls.append((operation, key))
        self.before(operation, key)

    # For the tests.

    def upload(self, session: str, path: str, content: bytes) -> None:
        key = f"{PREFIX}/{session}/uploads/{path}"
        self.put_object(Bucket=BUCKET, Key=key, Body=content)

    def saved(self, session: str) -> dict[str, bytes]:
        folder = f"{PREFIX}/{session}/code-interpreter/"
        return {
            key.removeprefix(folder): content
            for key, (content, _, _) in self.objects.items()
            if key.startswith(folder)
        }

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls]
