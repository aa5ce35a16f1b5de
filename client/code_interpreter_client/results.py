"""The result of a program or command: all that it printed, displayed and changed."""

from __future__ import annotations

import base64
import html
import json
import mimetypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

# Returns the bytes of a file of the workspace.
Load = Callable[[str], bytes]

EXTENSIONS: Final = {"image/jpeg": ".jpg", "image/png": ".png", "image/svg+xml": ".svg"}
# Types whose values are text, and not base64, in a mime bundle.
TEXT_TYPES: Final = ("text/", "application/json", "image/svg+xml", "application/javascript")


@dataclass(frozen=True)
class Figure:
    """An image that a program displayed, such as a figure of matplotlib."""

    mime_type: str
    name: str
    _data: Callable[[], bytes] = field(repr=False)

    @property
    def data(self) -> bytes:
        """The image's bytes. Those of a large image come from the workspace."""
        return self._data()

    def save(self, path: str | Path | None = None) -> Path:
        """Write the image to a file, and return the file's path.

        :param path: The file, or a folder for a file with the figure's own name. Default: the
            current folder.
        """
        target = Path(path) if path is not None else Path()
        if target.is_dir():
            target = target / self.name
        target.write_bytes(self.data)
        return target

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {self.mime_type: in_bundle(self.mime_type, self.data), "text/plain": self.name}


class RichResult(Mapping[str, Any]):
    """A value that a program displayed or left as its last expression.

    It maps MIME types to values as Jupyter's mime bundles do: text, JSON, or base64 for binary
    formats. Large values come from the workspace when they are asked for.
    """

    def __init__(self, bundle: Mapping[str, Any], load: Load) -> None:
        self._files: Mapping[str, str] = bundle.get("files", {})
        self._values = {kind: value for kind, value in bundle.items() if kind != "files"}
        self._load = load

    def __getitem__(self, mime_type: str) -> Any:
        if mime_type not in self._values and mime_type in self._files:
            self._values[mime_type] = in_bundle(mime_type, self._load(self._files[mime_type]))
        return self._values[mime_type]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._values, **self._files})

    def __len__(self) -> int:
        return len({**self._values, **self._files})

    def __str__(self) -> str:
        return str(self.get("text/plain", ""))

    def __repr__(self) -> str:
        return f"<RichResult {', '.join(self)}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return dict(self)


@dataclass(frozen=True)
class ExceptionDetail:
    """The exception that ended a Python program.

    `line` is the program's line, if it is known. `members` are those of an exception group.
    """

    type: str
    message: str
    line: int | None = None
    notes: tuple[str, ...] = ()
    members: tuple[ExceptionDetail, ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ExceptionDetail:
        """Return the exception that a response describes."""
        return cls(
            type=str(value["type"]),
            message=str(value["message"]),
            line=value.get("line"),
            notes=tuple(value.get("notes", ())),
            members=tuple(cls.from_json(member) for member in value.get("members", ())),
        )


@dataclass(frozen=True)
class FilesChanged:
    """The files of the working directory that a Python program created, changed and removed."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """The result of a program or command.

    `files` are the names in the workspace of the files that were saved; `Session.download` takes
    them. `execution_time` is in seconds. `exit_code` is None if the code was ended. `response` is
    the function's whole response, and `idempotency_key` gets it once more.
    """

    stdout: str
    stderr: str
    exit_code: int | None
    execution_time: float | None
    results: tuple[RichResult, ...]
    figures: tuple[Figure, ...]
    files: tuple[str, ...]
    files_changed: FilesChanged
    exception: ExceptionDetail | None
    session_restarted: bool
    variables_lost: bool
    truncated: bool
    warnings: tuple[str, ...]
    idempotency_key: str | None
    response: Mapping[str, Any] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the code succeeded."""
        return "error" not in self.response

    @classmethod
    def from_response(cls, response: Mapping[str, Any], key: str | None, load: Load) -> Result:
        """Return the result that a response of the function describes."""
        exception = response.get("error", {}).get("exception")
        changes = response.get("files_changed", {})
        return cls(
            stdout=response.get("stdout", ""),
            stderr=response.get("stderr", ""),
            exit_code=response.get("exit_code"),
            execution_time=response.get("execution_time"),
            results=tuple(RichResult(bundle, load) for bundle in response.get("results", ())),
            figures=tuple(
                figure_from(image, number, load)
                for number, image in enumerate(response.get("images", ()), start=1)
            ),
            files=tuple(response.get("files_saved", ())),
            files_changed=FilesChanged(
                *(tuple(changes.get(kind, ())) for kind in ("created", "changed", "removed"))
            ),
            exception=None if exception is None else ExceptionDetail.from_json(exception),
            session_restarted=response.get("session_restarted", False),
            variables_lost=response.get("variables_lost", False),
            truncated=response.get("truncated", False),
            warnings=tuple(response.get("warnings", ())),
            idempotency_key=key,
            response=response,
        )

    @property
    def printed(self) -> str:
        """The text that the program printed: `stdout` without the texts of `results`.

        The service has the text of each displayed value in `stdout`, too.
        """
        printed = self.stdout
        for result in reversed(self.results):
            # The service strips an output at both ends.
            for text in {str(result): None, str(result).strip(): None}:
                if text and text in printed:
                    before, _, after = printed.rpartition(text)
                    printed = before + after
                    break
        return printed.strip("\n")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Return all that the program printed and displayed, as Jupyter shows it."""
        texts = [self.printed, self.stderr, *map(str, self.results)]
        bundle = {"text/plain": "\n".join(text for text in texts if text)}
        if self.results:
            parts = [pre(self.printed), pre(self.stderr), *map(as_html, self.results)]
            bundle["text/html"] = "\n".join(part for part in parts if part)
        return bundle


def figure_from(image: Mapping[str, Any], number: int, load: Load) -> Figure:
    mime_type = image["mime_type"]
    if "file" in image:
        path = image["file"]
        return Figure(mime_type, Path(path).name, lambda: load(path))
    extension = EXTENSIONS.get(mime_type) or mimetypes.guess_extension(mime_type) or ".bin"
    return Figure(mime_type, f"figure-{number}{extension}", lambda: base64.b64decode(image["data"]))


def in_bundle(mime_type: str, data: bytes) -> Any:
    """Return bytes as a mime bundle has them."""
    if mime_type == "application/json" or mime_type.endswith("+json"):
        return json.loads(data)
    if mime_type.startswith(TEXT_TYPES):
        return data.decode(errors="replace")
    return base64.b64encode(data).decode()


def as_html(result: RichResult) -> str:
    """Return the richest format of a result that HTML can have."""
    if "text/html" in result:
        return str(result["text/html"])
    if "image/svg+xml" in result:
        return str(result["image/svg+xml"])
    for kind in result:
        if kind.startswith("image/"):
            return f'<img src="data:{kind};base64,{result[kind]}">'
    return pre(str(result))


def pre(text: str) -> str:
    return f"<pre>{html.escape(text)}</pre>" if text else ""
