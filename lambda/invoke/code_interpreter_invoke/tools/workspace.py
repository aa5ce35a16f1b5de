"""The tools for the session's workspace."""

from __future__ import annotations

from ..errors import NotFoundError
from ..files.paths import clean_folder
from ..files.saving import save
from ..files.workspace import MIN_READ_BYTES
from ..fitting import largest_that_fits
from ..responses import Response
from .context import ToolContext


def ci_push_to_workspace(context: ToolContext, *, paths: list[str] | None) -> Response:
    named = [clean_folder(path) for path in paths] if paths else None
    files = context.in_live_sandbox(lambda sandbox: sandbox.inventory(named))
    saved, warnings = save(context.session.sandbox(), context.workspace, files)
    if named and not saved:
        raise NotFoundError("; ".join(warnings) or "there are no files in these folders")
    if warnings:
        return {
            "status": "partial",
            "files_saved": saved,
            "count": len(saved),
            "warnings": warnings,
        }
    return {"status": "ok", "files_saved": saved, "count": len(saved)}


def workspace_list(context: ToolContext, *, path: str | None, next_token: str | None) -> Response:
    page = context.workspace.list(path, next_token)
    return largest_that_fits(page.response, len(page.objects), context.fits)


def workspace_read(context: ToolContext, *, path: str, offset: int | None) -> Response:
    part = context.workspace.read(path, offset or 0)
    return largest_that_fits(part.response, len(part.body), context.fits, minimum=MIN_READ_BYTES)


def workspace_write(
    context: ToolContext, *, path: str, content: str, encoding: str | None
) -> Response:
    return context.workspace.write(path, content, encoding or "text")
