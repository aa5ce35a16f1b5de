"""The responses of Amazon S3 to the function's kinds of writes."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from verify.experiment import differs, holds, holds_if
from verify.ledger import Made

if TYPE_CHECKING:
    from verify.context import Context
    from verify.experiment import Finding

PART_BYTES = 5 * 1024 * 1024
NO_ETAG = '"00000000000000000000000000000000"'
# The statuses that the function takes for a record that is not there.
TAKEN = (403, 404, 412)


def new_objects(context: Context) -> Made:
    made = Made("objects", f"{context.prefix}/{context.new_name()}/", context.bucket)
    context.ledger.record(made)
    return made


def multipart(context: Context) -> Finding:
    """Upload two parts by presigned URLs without any checksum, and complete the upload."""
    s3 = context.bucket_client()
    made = new_objects(context)
    key = f"{made.name}parts"
    target = {"Bucket": context.bucket, "Key": key}
    upload = s3.create_multipart_upload(**target)["UploadId"]
    parts = [b"a" * PART_BYTES, b"b"]
    try:
        completed = [
            {"PartNumber": number, "ETag": put(s3, {**target, "UploadId": upload}, number, body)}
            for number, body in enumerate(parts, 1)
        ]
        s3.complete_multipart_upload(
            **target, UploadId=upload, MultipartUpload={"Parts": completed}
        )
    except (ClientError, OSError) as error:
        s3.abort_multipart_upload(**target, UploadId=upload)
        context.remove(made)
        return differs(f"the upload failed: {error}")
    size = s3.head_object(**target)["ContentLength"]
    context.remove(made)
    return holds_if(size == PART_BYTES + 1, f"an object of {size} bytes from two parts")


def put(s3: Any, upload: dict[str, str], number: int, body: bytes) -> str:
    """Upload a part as a sandbox does, with nothing but its length, and return the ETag."""
    url = s3.generate_presigned_url("upload_part", {**upload, "PartNumber": number}, 300)
    request = urllib.request.Request(url, data=body, method="PUT")  # noqa: S310 - our own URL
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - our own URL
        return str(response.headers["ETag"])


def if_match_on_missing_key(context: Context) -> Finding:
    """Write with If-Match where nothing is, with and without the permission to list the bucket."""
    role = context.deployments.outputs("Permissions")["WriterRole"]
    made = new_objects(context)
    clients = {"may list": context.client("s3"), "may not list": context.client_as(role, "s3")}
    found: dict[str, tuple[int, str]] = {}
    for name, s3 in clients.items():
        try:
            s3.put_object(
                Bucket=context.bucket, Key=f"{made.name}absent", Body=b"", IfMatch=NO_ETAG
            )
            found[name] = (200, "stored")
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            found[name] = (status, error.response["Error"]["Code"])
    context.remove(made)
    evidence = "; ".join(f"{name}: {status} {code}" for name, (status, code) in found.items())
    if all(status in TAKEN for status, _ in found.values()):
        return holds(evidence)
    return differs(f"{evidence}; the function takes {TAKEN} for a missing record")
