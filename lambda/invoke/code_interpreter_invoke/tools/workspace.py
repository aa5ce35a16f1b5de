"""The tools for the session's workspace."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from ..errors import InvalidRequestError, NotFoundError, quote
from ..files.loading import load_all
from ..files.paths import clean_folder
from ..files.saving import save
from ..files.workspace import MIN_READ_BYTES, StoredFile
from ..fitting import largest_that_fits
from .context import ToolContext

if TYPE_CHECKING:
    from ..responses import Response, ResponseMembers

DEFAULT_LINK_SECONDS = 300


def ci_push_to_workspace(context: ToolContext, *, paths: list[str] | None) -> Response:
    named = [clean_folder(path) for path in paths] if paths else None
    files = context.in_live_sandbox(lambda sandbox: sandbox.inventory(named))
    saved, warnings = save(context.session.sandbox(), context.workspace, files)
    if named and not saved:
        raise NotFoundError("; ".join(warnings) or "there are no files in these folders")
    return files_response("files_saved", saved, warnings)


def ci_pull_from_workspace(context: ToolContext, *, paths: list[str] | None) -> Response:
    workspace = context.workspace
    files = workspace.find(paths) if paths else workspace.saved_files()
    check_distinct(files)
    loaded, warnings = context.in_live_sandbox(lambda sandbox: load_all(sandbox, workspace, files))
    return files_response("files_loaded", loaded, warnings)


def files_response(
    member: Literal["files_saved", "files_loaded", "files_deleted"],
    files: list[str],
    warnings: list[str],
) -> Response:
    """Return a response about files, partial if there is a warning for each of the others."""
    response: Response = {"status": "partial" if warnings else "ok"}
    response[member] = files
    response["count"] = len(files)
    if warnings:
        response["warnings"] = warnings
    return response


def check_distinct(files: list[StoredFile]) -> None:
    """Refuse files that would overwrite each other in the working directory."""
    counts = Counter(file.path for file in files)
    twice = [quote(path) for path, count in counts.items() if count > 1]
    if twice:
        raise InvalidRequestError(
            f"ci_pull_from_workspace: two files would become {', '.join(twice)} in the sandbox; "
            "pull them one after the other"
        )


def workspace_list(context: ToolContext, *, path: str | None, next_token: str | None) -> Response:
    page = context.workspace.list(path, next_token)
    return largest_that_fits(page.response, len(page.objects), context.share_of_limit)


def workspace_read(context: ToolContext, *, path: str, offset: int | None) -> Response:
    part = context.workspace.read(path, offset or 0)
    return largest_that_fits(
        part.response, len(part.body), context.share_of_limit, minimum=MIN_READ_BYTES
    )


def workspace_write(
    context: ToolContext, *, path: str, content: str, encoding: str | None
) -> Response:
    return context.workspace.write(path, content, encoding or "text")


def workspace_delete(
    context: ToolContext, *, path: str | None, paths: list[str] | None
) -> Response:
    named = [path] if path is not None else paths
    if not named or (path is not None and paths is not None):
        raise InvalidRequestError("workspace_delete needs either path or paths, of files to delete")
    deleted, warnings = context.workspace.delete(named)
    return files_response("files_deleted", deleted, warnings)


def workspace_link(
    context: ToolContext,
    *,
    path: str,
    direction: str,
    size: int | None,
    expires_in_seconds: int | None,
) -> Response:
    context.workspace.check_links_allowed()
    if direction == "upload" and size is None:
        raise InvalidRequestError(
            "workspace_link: an upload needs size, the bytes of the file, because the URL takes a "
            "file of exactly this size"
        )
    if direction == "download" and size is not None:
        raise InvalidRequestError(
            f"workspace_link: a download takes no size, given {size}; leave size out, or give "
            "direction upload"
        )
    seconds = expires_in_seconds or DEFAULT_LINK_SECONDS
    expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
    if size is None:
        link: ResponseMembers = {
            "url": context.workspace.download_url(path, seconds),
            "method": "GET",
            "headers": {},
        }
    else:
        link = {
            "url": context.workspace.upload_url(path, size, seconds),
            "method": "PUT",
            "headers": {"Content-Length": str(size)},
        }
    return {"status": "ok", "path": path, **link, "expires_at": expires_at.isoformat()}
