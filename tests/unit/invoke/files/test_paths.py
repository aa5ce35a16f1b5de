from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_interpreter_invoke.errors import InvalidRequestError
from code_interpreter_invoke.files.paths import clean, defect


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "chart.png",
        "out/a.csv",
        "a b/ü.txt",
        ".hidden",
        "..data",
        "-rf",
        "~",
        "%2e%2e/a",
        "a:b",
    ],
)
def test_a_path_of_one_file_is_allowed(path: str) -> None:
    assert defect(path) is None
    assert clean(path, "path") == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/etc/passwd",
        "//a",
        "..",
        "../a",
        "a/..",
        "a/../b",
        "a//b",
        "a/",
        ".",
        "a/./b",
        "a\\b",
        "a\0b",
        "a\nb",
        "a\x7fb",
        "\udc80",
        "x" * 701,
        "ü" * 351,
    ],
)
def test_a_path_that_could_mean_another_file_is_refused(path: str) -> None:
    assert defect(path)
    with pytest.raises(InvalidRequestError, match=r"path .* is not allowed"):
        clean(path, "path")


@pytest.mark.parametrize("path", ["./a", "././a", ".//a"])
def test_a_leading_dot_is_dropped(path: str) -> None:
    assert clean(path, "path") == "a"


def test_the_message_has_only_the_beginning_of_a_long_path() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        clean("/" + "x" * 10_000, "output_filename")
    assert len(refused.value.message) < 200
    assert "output_filename" in refused.value.message


@given(st.text())
def test_an_allowed_path_never_leaves_its_folder(path: str) -> None:
    try:
        cleaned = clean(path, "path")
    except InvalidRequestError:
        return
    joined = posixpath.normpath(posixpath.join("/folder", cleaned))
    assert joined == f"/folder/{cleaned}"


@given(st.lists(st.sampled_from(["a", ".", "..", "", "b.c", "\\", "\0", " "]), min_size=1))
def test_no_combination_of_segments_leaves_its_folder(parts: list[str]) -> None:
    path = "/".join(parts)
    if defect(path) is None:
        assert posixpath.normpath(posixpath.join("/folder", path)) == f"/folder/{path}"
