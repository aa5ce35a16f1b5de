"""Results as a notebook shows them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from code_interpreter_client import Result

TABLE = "  a\n0 1"


def result(stdout: str, *bundles: dict[str, Any]) -> Result:
    response = {"status": "ok", "stdout": stdout, "results": list(bundles)}
    return Result.from_response(response, None, lambda path: f"bytes of {path}".encode())


@pytest.mark.parametrize(
    ("stdout", "texts", "printed"),
    [
        ("printed", [], "printed"),
        ("42", ["42"], ""),
        ("printed\n42", ["42"], "printed"),
        (f"printed\n{TABLE}", [TABLE], "printed"),
        ("a\n0 1", [TABLE], ""),  # stripped at both ends
        ("42\n42", ["42"], "42"),
        (f"one\n{TABLE}\ntwo\n42", [TABLE, "42"], "one\n\ntwo"),
        ("printed", ["", "not there"], "printed"),
    ],
)
def test_what_was_printed_is_told_from_what_was_displayed(
    stdout: str, texts: list[str], printed: str
) -> None:
    assert result(stdout, *({"text/plain": text} for text in texts)).printed == printed


def test_a_notebook_shows_each_part_once() -> None:
    shown = result(
        f"printed <&>\n{TABLE}", {"text/plain": TABLE, "text/html": "<table></table>"}
    )._repr_mimebundle_()
    assert shown["text/plain"] == f"printed <&>\n{TABLE}"
    assert shown["text/html"] == "<pre>printed &lt;&amp;&gt;</pre>\n<table></table>"


def test_a_large_value_comes_from_the_workspace_when_it_is_asked_for() -> None:
    [value] = result("", {"text/plain": "f", "files": {"image/png": "code-interpreter/f"}}).results
    assert list(value) == ["text/plain", "image/png"]
    assert base64.b64decode(value["image/png"]) == b"bytes of code-interpreter/f"
    assert "image/gif" not in value
