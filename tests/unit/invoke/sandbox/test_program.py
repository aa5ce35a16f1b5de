from __future__ import annotations

import ast
import base64
import hashlib
import json
from pathlib import Path

import pytest

from code_interpreter_invoke.errors import NotStartedError
from code_interpreter_invoke.sandbox import program
from code_interpreter_invoke.sandbox.program_client import (
    command_line,
    group_paths,
    parse_result,
)
from code_interpreter_invoke.sandbox.results import fold

MARKER = "marker:"


def test_a_file_is_copied_in_parts_and_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = bytes(range(256)) * 10
    Path("f").write_bytes(content)
    for number, offset in enumerate(range(0, len(content), 1000)):
        program.copy_part("f", offset, 1000, "parts/part")
        Path(f"parts/{number}").write_bytes(base64.b64decode(Path("parts/part").read_bytes()))
    program.join_parts(["parts/0", "parts/1", "parts/2"], "into/g")
    assert Path("into/g").read_bytes() == content
    program.remove_folder("parts")
    program.remove_folder("parts")
    assert not Path("parts").exists()


def test_the_inventory_has_regular_files_and_says_the_problem_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").write_bytes(b"1")
    Path("own").write_bytes(b"1")
    Path("large").write_bytes(b"12345")
    Path("folder").mkdir()
    Path("link").symlink_to("a")
    digest = hashlib.sha256(b"1").hexdigest()
    assert program.inventory(None, ["own"], 4) == [
        {"path": "a", "size": 1, "sha256": digest},
        {"path": "large", "size": 5, "sha256": ""},
    ]
    # A skipped file counts as soon as it has changed.
    changed_at = Path("own").stat().st_ctime
    for until, is_skipped in ((changed_at - 1, False), (changed_at, True)):
        paths = [file["path"] for file in program.inventory(None, ["own"], 4, until)]
        assert ("own" not in paths) is is_skipped
    assert program.inventory(["link", "nope"], [], 4) == [
        {"path": "link", "problem": "it is not a regular file"},
        {"path": "nope", "problem": "No such file or directory"},
    ]


def test_a_result_that_was_cut_off_is_an_error() -> None:
    stdout = f'\r\n{MARKER}[["a", 1, "\n[output truncated: 40 of 50 bytes]'
    with pytest.raises(NotStartedError, match="transfer program failed"):
        parse_result(MARKER, fold([{"structuredContent": {"stdout": stdout}}]))


def test_the_result_is_found_among_other_output() -> None:
    stdout = f"Welcome!\r\n\r\n{MARKER}[1]\r\nbye\r\n"
    assert parse_result(MARKER, fold([{"structuredContent": {"stdout": stdout}}])) == [1]


@pytest.mark.parametrize("stderr", ["", "Traceback\nModuleNotFoundError: no json"])
def test_a_missing_result_is_an_error(stderr: str) -> None:
    with pytest.raises(NotStartedError, match="transfer program failed"):
        parse_result(
            MARKER, fold([{"structuredContent": {"stdout": "", "stderr": stderr, "exitCode": 1}}])
        )


def test_each_group_of_paths_fits_into_a_command_line() -> None:
    paths = ["ü" * 200 + str(index) for index in range(300)]
    found = group_paths(paths)
    assert [path for group in found for path in group] == paths
    assert 1 < len(found) < 30
    for group in found:
        assert (
            len(command_line(MARKER, "inventory", paths=group, skipped=[], hashed_bytes=0))
            < 100_000
        )


def test_the_program_needs_no_more_than_python_3_8() -> None:
    source = Path(program.__file__).read_text()
    ast.parse(source, feature_version=(3, 8))
    assert "from __future__ import annotations" in source
    assert json.dumps(source).isascii()
