"""The uploads that a sandbox lacks, and those that were removed in it."""

from __future__ import annotations

import math
from collections.abc import Collection

from ..files.workspace import StoredFile
from .store import SessionRecord


def missing_uploads(record: SessionRecord, uploads: list[StoredFile]) -> list[StoredFile]:
    """Return the uploads that a sandbox does not have in their present version.

    ETags tell versions apart, so that a file that the sandbox has since changed is left alone until
    the user supplies another one. An upload that was removed in this sandbox or an earlier one is
    left alone until the user supplies it anew, be it with the same bytes.
    """
    return [
        upload
        for upload in uploads
        if upload.etag != record.uploads.get(upload.path) and not is_removed(record, upload)
    ]


def is_removed(record: SessionRecord, upload: StoredFile) -> bool:
    """Tell whether this version of an upload was removed in a sandbox."""
    return (
        upload.etag == record.removed_uploads.get(upload.path)
        # Earlier versions of the function recorded no moment.
        and upload.supplied_at <= record.removed_supplied_at.get(upload.path, math.inf)
    )


def is_below(path: str, removed: Collection[str]) -> bool:
    """Tell whether a path, or a folder that it is in, is among the removed paths."""
    parts = path.split("/")
    return any("/".join(parts[:length]) in removed for length in range(1, len(parts) + 1))
