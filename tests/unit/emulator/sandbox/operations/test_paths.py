from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path, PurePosixPath

import pytest

from agentcore_emulator.sandbox.operations.paths import Root
from agentcore_emulator.sandbox.results import ToolError


def test_finds_the_top_folder_and_refuses_its_parent(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    root = Root(tmp_path / "top")
    with ExitStack() as opened:
        opened.callback(root.close)
        assert root.find(PurePosixPath("."), opened).name == "."
        with pytest.raises(ToolError, match="leads out"):
            root.find(PurePosixPath("a/../.."), opened, made=[])


def test_the_directory_must_not_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/")
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        Root(tmp_path / "link")
