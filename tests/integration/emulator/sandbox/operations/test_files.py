"""readFiles, writeFiles, listFiles and removeFiles."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.emulator.sandbox.conftest import Sandboxes, StartedSandbox


def write(sandbox: StartedSandbox, files: dict[str, str | bytes]) -> dict[str, Any]:
    content = [
        {"path": path, ("text" if isinstance(data, str) else "blob"): data}
        for path, data in files.items()
    ]
    return sandbox.invoke("writeFiles", content=content)


def error(result: dict[str, Any]) -> str:
    """Return the text of a result that is nothing but an error text."""
    assert result["isError"] is True
    assert set(result) == {"content", "isError"}
    [block] = result["content"]
    assert block["type"] == "text"
    return str(block["text"])


def names(sandbox: StartedSandbox, folder: str = "") -> list[str]:
    result = sandbox.invoke("listFiles", directoryPath=folder)
    return [block["name"] for block in result["content"]]


def test_a_new_session_has_the_entries_of_the_service(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start()
    assert sandbox.invoke("listFiles", directoryPath="") == {
        "content": [
            folder_link(".cache"),
            folder_link(".config"),
            folder_link(".ipython"),
            folder_link("log"),
            folder_link("node_modules"),
            folder_link("nodejs-js-execution"),
            folder_link("nodejs-ts-execution"),
            file_link("package-lock.json", "application/json"),
            file_link("package.json", "application/json"),
            folder_link("run"),
        ],
        "isError": False,
    }


def folder_link(name: str) -> dict[str, str]:
    return {
        "type": "resource_link",
        "uri": f"file:///{name}",
        "name": name,
        "description": "Directory",
    }


def file_link(name: str, media_type: str) -> dict[str, str]:
    return {**folder_link(name), "description": "File", "mimeType": media_type}


def test_the_entries_of_a_new_session_can_be_set(sandboxes: Sandboxes) -> None:
    assert names(sandboxes.start(initial_entries=())) == []


def test_text_and_bytes_are_read_back_unchanged(sandbox: StartedSandbox) -> None:
    data = bytes(range(256))
    result = write(sandbox, {"data.txt": "pikáchu\n", "picture.png": data})
    assert result == {
        "content": [{"type": "text", "text": "Successfully wrote all 2 files"}],
        "isError": False,
    }
    assert sandbox.invoke("readFiles", paths=["data.txt", "picture.png"]) == {
        "content": [
            {
                "type": "resource",
                "resource": {
                    "type": "text",
                    "uri": "file:///data.txt",
                    "mimeType": "text/plain",
                    "text": "pikáchu\n",
                },
            },
            {
                "type": "resource",
                "resource": {
                    "type": "blob",
                    "uri": "file:///picture.png",
                    "mimeType": "image/png",
                    "blob": data,
                },
            },
        ],
        "isError": False,
    }


def test_content_decides_what_is_text(sandbox: StartedSandbox) -> None:
    write(sandbox, {"text-as-blob": b"plain", "nul.txt": b"a\0b", "latin.csv": b"\xe9"})
    result = sandbox.invoke("readFiles", paths=["text-as-blob", "nul.txt", "latin.csv"])
    found = [
        (block["resource"]["type"], block["resource"]["mimeType"]) for block in result["content"]
    ]
    assert found == [("text", "text/plain"), ("blob", "text/plain"), ("blob", "text/csv")]


def test_the_type_of_a_resource_can_be_left_out(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(resource_type=False)
    write(sandbox, {"a.txt": "a"})
    [block] = sandbox.invoke("readFiles", paths=["a.txt"])["content"]
    assert set(block["resource"]) == {"uri", "mimeType", "text"}


def test_files_programs_and_tools_share_one_directory(sandbox: StartedSandbox) -> None:
    write(sandbox, {"shared/by/all.txt": "written"})
    assert sandbox.command("cat shared/by/all.txt")["structuredContent"]["stdout"] == "written"
    sandbox.python("open('shared/by/all.txt', 'a').write(' more')")
    [block] = sandbox.invoke("readFiles", paths=["./shared/by//all.txt"])["content"]
    assert block["resource"]["text"] == "written more"
    assert block["resource"]["uri"] == "file:///shared/by/all.txt"


def test_listing_is_one_level_deep(sandbox: StartedSandbox) -> None:
    write(sandbox, {"listed/a.csv": "a", "listed/sub/b.txt": "b"})
    expected = [
        {**file_link("a.csv", "text/csv"), "uri": "file:///listed/a.csv"},
        {**folder_link("sub"), "uri": "file:///listed/sub"},
    ]
    assert sandbox.invoke("listFiles", directoryPath="listed")["content"] == expected
    assert sandbox.invoke("listFiles", path="listed")["content"] == expected
    assert names(sandbox, "") == names(sandbox, ".") == names(sandbox, "listed/..")


def test_only_folders_can_be_listed(sandbox: StartedSandbox) -> None:
    write(sandbox, {"file.txt": ""})
    assert "missing" in error(sandbox.invoke("listFiles", directoryPath="missing"))
    assert "file.txt" in error(sandbox.invoke("listFiles", directoryPath="file.txt"))


def test_a_missing_file_is_an_error(sandbox: StartedSandbox) -> None:
    write(sandbox, {"present.txt": "x"})
    assert "absent.txt" in error(sandbox.invoke("readFiles", paths=["present.txt", "absent.txt"]))


def test_a_missing_file_can_be_left_out(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(missing_file="omit")
    write(sandbox, {"present.txt": "x"})
    result = sandbox.invoke("readFiles", paths=["absent.txt", "present.txt"])
    assert [block["resource"]["uri"] for block in result["content"]] == ["file:///present.txt"]
    assert result["isError"] is False


def test_files_can_be_removed(sandbox: StartedSandbox) -> None:
    write(sandbox, {"gone/a.txt": "a", "gone/b/c.txt": "c", "gone/d.txt": "d"})
    assert sandbox.invoke("removeFiles", paths=["gone/a.txt", "gone/b"]) == {
        "content": [{"type": "text", "text": "Successfully removed all 2 files"}],
        "isError": False,
    }
    assert names(sandbox, "gone") == ["d.txt"]


def test_either_all_files_are_removed_or_none(sandbox: StartedSandbox) -> None:
    write(sandbox, {"kept/a.txt": "a"})
    assert "kept/b.txt" in error(sandbox.invoke("removeFiles", paths=["kept/a.txt", "kept/b.txt"]))
    assert names(sandbox, "kept") == ["a.txt"]


def test_folders_may_be_kept_from_removal(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(remove_folders=False)
    write(sandbox, {"folder/a.txt": "a"})
    assert "folder" in error(sandbox.invoke("removeFiles", paths=["folder"]))
    assert names(sandbox, "folder") == ["a.txt"]


def test_the_directory_itself_is_not_removed(sandbox: StartedSandbox) -> None:
    error(sandbox.invoke("removeFiles", paths=["."]))
    assert "log" in names(sandbox)


@pytest.mark.parametrize("last", ["log", "a.txt/under-a-file", "../outside", "/absolute", "log/\0"])
def test_either_all_files_are_written_or_none(sandboxes: Sandboxes, last: str) -> None:
    sandbox = sandboxes.start()
    write(sandbox, {"a.txt": "before"})
    before = names(sandbox)
    error(write(sandbox, {"a.txt": "after", "new/folder/b.txt": "b", last: "x"}))
    assert names(sandbox) == before
    assert sandbox.command("cat a.txt")["structuredContent"]["stdout"] == "before"
    assert list((sandbox.directory / "staging").iterdir()) == []


def test_a_file_without_content_is_refused(sandbox: StartedSandbox) -> None:
    assert "empty-handed" in error(sandbox.invoke("writeFiles", content=[{"path": "empty-handed"}]))
    assert "empty-handed" not in names(sandbox)


def test_a_replaced_file_keeps_its_mode(sandbox: StartedSandbox) -> None:
    write(sandbox, {"script.sh": "exit 1"})
    sandbox.command("chmod 750 script.sh")
    write(sandbox, {"script.sh": "#!/bin/sh\necho ran\n"})
    assert sandbox.command("./script.sh")["structuredContent"]["stdout"] == "ran\r\n"
    assert stat.S_IMODE((sandbox.work / "script.sh").stat().st_mode) == 0o750


def test_only_files_are_read_or_replaced(sandbox: StartedSandbox) -> None:
    sandbox.command("mkfifo pipe")
    for path in ("pipe", "log", "."):
        assert path in error(sandbox.invoke("readFiles", paths=[path])) or path == "."
        error(write(sandbox, {path: "x"}))


def test_reading_more_than_a_response_holds_is_an_error(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(read_bytes=1000)
    write(sandbox, {"a": b"\xff" * 600, "b": b"\xff" * 401, "c": b"\xff" * 400})
    assert "1000" in error(sandbox.invoke("readFiles", paths=["a", "b"]))
    assert sandbox.invoke("readFiles", paths=["a", "c"])["isError"] is False


def test_writing_more_than_the_disk_holds_is_an_error(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(disk_bytes=1_000_000)
    write(sandbox, {"a": b"x" * 900_000})
    assert "1000000" in error(write(sandbox, {"b": b"x" * 200_000}))
    assert "b" not in names(sandbox)


def test_names_that_are_no_text_are_listed_with_replacement_characters(
    sandbox: StartedSandbox,
) -> None:
    sandbox.command("mkdir odd; touch $'odd/\\xff' $'odd/new\\nline'")
    assert names(sandbox, "odd") == ["new\nline", "\ufffd"]


@pytest.mark.parametrize("path", ["/etc/hostname", "/", "//etc/hostname"])
def test_absolute_paths_are_refused(sandbox: StartedSandbox, path: str) -> None:
    assert "relative" in error(sandbox.invoke("readFiles", paths=[path]))
    assert "relative" in error(sandbox.invoke("listFiles", directoryPath=path))
    assert "relative" in error(sandbox.invoke("removeFiles", paths=[path]))
    assert "relative" in error(write(sandbox, {path: "x"}))


def test_absolute_paths_may_lose_their_slash(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(absolute_paths="strip")
    write(sandbox, {"/opt/file.txt": "x"})
    assert (sandbox.work / "opt" / "file.txt").read_text() == "x"
