"""The response of the function: one flat JSON object, whose members depend on the tool."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, Required, TypedDict


class ExceptionDetail(TypedDict, total=False):
    """A Python exception. `line` is the program's line, `members` are those of a group."""

    type: Required[str]
    message: Required[str]
    notes: list[str]
    line: int
    members: list[ExceptionDetail]


class ErrorDetail(TypedDict):
    """Why a request failed. `retryable` says whether sending it again is safe and may help."""

    type: str
    message: str
    retryable: bool
    exception: NotRequired[ExceptionDetail]


class OutputText(TypedDict):
    """A text that a program wrote to `stdout` or `stderr`, or that `display` printed of a value."""

    stream: Literal["stdout", "stderr", "display"]
    text: str


# A value that a program displayed, in several formats by their MIME types, as Jupyter has it: text,
# JSON, or base64. Values that are too large are files, which the member `files` names by their MIME
# types.
MimeBundle = dict[str, Any]


class FilesChanged(TypedDict, total=False):
    """The files of the working directory that a program created, changed and removed."""

    created: list[str]
    changed: list[str]
    removed: list[str]


class Image(TypedDict, total=False):
    """An image that the program displayed: its `data` in base64, or a `file` of the workspace."""

    mime_type: Required[str]
    data: str
    file: str


class FileContent(TypedDict):
    """A file of the sandbox. `encoding` is `text` or `base64`; `size` is in bytes."""

    path: str
    encoding: str
    content: str
    size: int


class Entry(TypedDict, total=False):
    """A file or folder of the sandbox. Not every listing has sizes."""

    name: Required[str]
    type: Required[Literal["file", "directory"]]
    size: int


class WorkspaceFile(TypedDict, total=False):
    """A file of the workspace. `size` is in bytes, `last_modified` in ISO 8601.

    `problem` says why no tool can read or load it.
    """

    path: Required[str]
    size: Required[int]
    last_modified: Required[str]
    problem: str


class SessionSummary(TypedDict):
    """A sandbox, as `list_sessions` shows it. `created_at` is in ISO 8601."""

    session: str
    session_id: str
    session_status: str
    created_at: str


class ResponseMembers(TypedDict, total=False):
    """All that a response can have beside its status."""

    error: ErrorDetail
    # The session.
    session: str
    session_id: str
    session_restarted: bool
    session_status: str
    created_at: str
    expires_at: str
    stopped: bool
    sessions: list[SessionSummary]
    # The program that ran. `execution_time` is in seconds.
    stdout: str
    stderr: str
    exit_code: int
    execution_time: float
    images: list[Image]
    results: list[MimeBundle]
    last_expression: int
    files_changed: FilesChanged
    variables_lost: bool
    interrupted: bool
    output: list[OutputText]
    running: bool
    # Files.
    files: list[FileContent] | list[WorkspaceFile]
    files_written: list[str]
    files_removed: list[str]
    files_saved: list[str]
    files_loaded: list[str]
    files_deleted: list[str]
    entries: list[Entry]
    count: int
    path: str
    encoding: str
    content: str | list[Any]
    size: int
    # A signed URL, and the HTTP request that uses it.
    url: str
    method: str
    headers: dict[str, str]
    links_refused: bool
    # The result of an operation of the API, as the API has it.
    structuredContent: dict[str, Any]
    isError: bool
    # The tools, as Bedrock's Converse API takes them.
    tools: list[dict[str, Any]]
    # A part was left out; how to get the rest.
    truncated: bool
    full_response: str
    next_token: str
    next_offset: int
    # About the request.
    warnings: list[str]
    replayed: bool


class Response(ResponseMembers):
    """A response.

    `partial`: it worked, but a file was not saved, loaded or deleted; see `warnings`.
    """

    status: Literal["ok", "partial", "error"]
