"""Hold behaviour that must not change unnoticed against files in `tests/golden`.

`make golden` writes the files anew. Commit such a change by itself, with the reason.
"""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("golden")
UPDATE_VARIABLE = "UPDATE_GOLDEN_FILES"


def check_golden(name: str, value: Any) -> None:
    """Compare a JSON value with the golden file `name`, a path below `tests/golden`.

    :raises AssertionError: if the file is missing or holds another value.
    """
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    check_file(FOLDER / name, text)


def check_file(path: Path, text: str) -> None:
    """Compare a text with the file that holds it.

    :raises AssertionError: if the file is missing or holds another text.
    """
    name = path.name
    if os.environ.get(UPDATE_VARIABLE):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{name} is missing: run `make golden` and commit the new file"
    golden = path.read_text(encoding="utf-8")
    # Text, since Python takes 1, 1.0 and true for equal.
    if golden != text:
        lines = difflib.unified_diff(
            golden.splitlines(), text.splitlines(), name, "now", n=8, lineterm=""
        )
        raise AssertionError("\n".join(lines))
