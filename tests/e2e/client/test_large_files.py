"""Files of a gigabyte in bounded memory, and a thousand small ones."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from code_interpreter_client import Session

# The most that a transfer may allocate at once, in bytes.
MAX_MEMORY = 20_000_000
PROGRAM = """
import sys, tracemalloc
from code_interpreter_client import CodeInterpreter
session = CodeInterpreter.from_stack("CodeInterpreter").session(sys.argv[1])
seen = []
session.ls()
tracemalloc.start()
session.upload("large.bin", progress=lambda done, total: seen.append((done, total)))
session.download("uploads/large.bin", "back.bin", progress=lambda *part: seen.append(part))
assert len(seen) > 100
assert seen[-1] == (seen[-1][1], seen[-1][1])
print(tracemalloc.get_traced_memory()[1])
"""


@pytest.mark.parametrize(
    "megabytes",
    [60, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
)
def test_a_large_file_goes_up_and_down_in_bounded_memory(
    environment: dict[str, str], session: Session, tmp_path: Path, megabytes: int
) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        for number in range(megabytes):
            file.write(hashlib.sha256(str(number).encode()).digest() * 31_250)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, session.name],
        cwd=tmp_path,
        env={"PATH": "", **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert digest(tmp_path / "back.bin") == digest(large)
    assert int(done.stdout) < MAX_MEMORY


@pytest.mark.slow
def test_a_thousand_small_files(session: Session, tmp_path: Path) -> None:
    for number in range(1_000):
        (tmp_path / f"{number}.txt").write_text(str(number))
    assert len(session.upload_folder(tmp_path)) == 1_000
    assert session.command("ls [0-9]*.txt | wc -l; cat 999.txt").stdout.split() == ["1000", "999"]
    assert len(session.ls("uploads")) == 1_000


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
