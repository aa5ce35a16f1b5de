from __future__ import annotations

from pathlib import Path

from agentcore_emulator.sandbox.supervisor.removal import remove_tree


def test_a_directory_is_removed_whatever_is_in_it(tmp_path: Path) -> None:
    top = tmp_path / "top"
    folder = top
    for _ in range(60):
        folder = folder / ("deep" * 10)
        folder.mkdir(parents=True)
    (folder / "file").touch()
    (top / "link").symlink_to(tmp_path)
    (top / ".removed-0").mkdir()
    folder.chmod(0)
    top.chmod(0)
    (tmp_path / "kept").touch()
    remove_tree(top)
    remove_tree(tmp_path / "missing")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
