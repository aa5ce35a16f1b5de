"""A program and the response that it must give, with the observer in the kernel and without it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Response = dict[str, Any]


class Matching:
    """Equals each text that a regular expression matches as a whole."""

    def __init__(self, pattern: str) -> None:
        self.pattern = re.compile(pattern, re.DOTALL)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.pattern.fullmatch(other) is not None

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        return f"Matching({self.pattern.pattern!r})"


class Containing(Matching):
    """Equals each text that has these parts, in this order."""

    def __init__(self, *parts: str) -> None:
        super().__init__(f".*{'.*'.join(map(re.escape, parts))}.*")


class Base64Of:
    """Equals base64 whose bytes begin so."""

    def __init__(self, begin: bytes) -> None:
        self.begin = begin

    def __eq__(self, other: object) -> bool:
        try:
            return isinstance(other, str) and base64.b64decode(other).startswith(self.begin)
        except binascii.Error:
            return False

    def __hash__(self) -> int:
        return hash(self.begin)

    def __repr__(self) -> str:
        return f"Base64Of({self.begin!r})"


class Including:
    """Equals each object that has these members, with any values."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and self.names <= other.keys()

    def __hash__(self) -> int:
        return hash(frozenset(self.names))

    def __repr__(self) -> str:
        return f"Including({sorted(self.names)})"


PNG = Base64Of(b"\x89PNG\r\n")


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program, and the response that it must give.

    `response` is the response without an observer. `observed` has the members that the observer
    adds or changes, or the whole response where that differs, and `exception` its member of the
    error. `before` and `after` run in the same session, the latter to leave nothing that another
    program would notice.
    """

    name: str
    code: str
    response: Response
    observed: Mapping[str, Any] = field(default_factory=dict)
    exception: Mapping[str, Any] | None = None
    language: str = "python"
    before: str = ""
    after: str = ""

    def expected(self, *, is_observed: bool) -> Response:
        if not is_observed:
            return self.response
        is_whole = "status" in self.observed
        response = {**({} if is_whole else self.response), **self.observed}
        if self.exception is not None:
            response["error"] = {**response["error"], "exception": self.exception}
        return response


def ok(stdout: Any = "", stderr: Any = "", **members: Any) -> Response:
    """Return the response of a program that succeeded."""
    return {"status": "ok", "stdout": stdout, "stderr": stderr, "exit_code": 0, **members}


def failed(
    line: Any, stdout: Any = "", stderr: Any = None, *, exit_code: int = 1, **members: Any
) -> Response:
    """Return the response of a program that failed; `line` names the failure."""
    pattern = line.pattern.pattern if isinstance(line, Matching) else re.escape(line)
    code = f"the code failed with exit code {exit_code}"
    return {
        "status": "error",
        "error": {
            "type": "CodeFailed",
            "message": Matching(f"{code}: {pattern}" if pattern else code),
            "retryable": False,
        },
        "stdout": stdout,
        "stderr": Matching(f".*{pattern}.*") if stderr is None else stderr,
        "exit_code": exit_code,
        **members,
    }


def raised(kind: Any, message: Any = "", line: int | None = 1, **members: Any) -> dict[str, Any]:
    """Return the exception that the observer describes."""
    described = {"type": kind, "message": message, **members}
    return described if line is None else {**described, "line": line}
