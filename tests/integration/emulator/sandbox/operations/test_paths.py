"""Nothing outside of a session's directory is read, written, listed or removed."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.emulator.sandbox.conftest import StartedSandbox

OPERATIONS: dict[str, Callable[[str], dict[str, Any]]] = {
    "readFiles": lambda path: {"paths": [path]},
    "writeFiles": lambda path: {"content": [{"path": path, "text": "overwritten"}]},
    "listFiles": lambda path: {"directoryPath": path},
    "removeFiles": lambda path: {"paths": [path]},
}


@pytest.fixture
def outside(sandbox: StartedSandbox) -> Path:
    """Make a folder beside the session's, with a file in it."""
    folder = sandbox.directory.parent / "outside"
    folder.mkdir(exist_ok=True)
    (folder / "secret").write_text("secret")
    return folder


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "path",
    [
        "../../outside/secret",
        "../../outside",
        "log/../../../outside/secret",
        "missing/../../../outside/secret",
        "..",
        "file-link",
        "folder-link/secret",
        "folder-link",
        "relative-link/secret",
        "chain/secret",
        "log/../folder-link/secret",
        "loop",
        "loop/secret",
        "root-link/etc/passwd",
        "up-link/../outside/secret",
        "proc-link/root/etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_session(
    sandbox: StartedSandbox, outside: Path, operation: str, path: str
) -> None:
    work = sandbox.work
    links = {
        "file-link": outside / "secret",
        "folder-link": outside,
        "relative-link": Path("../../outside"),
        "chain": Path("folder-link"),
        "loop": Path("loop"),
        "root-link": Path("/"),
        "up-link": Path(".."),
        "proc-link": Path("/proc/self"),
    }
    for name, target in links.items():
        (work / name).unlink(missing_ok=True)
        (work / name).symlink_to(target)
    result = sandbox.invoke(operation, **OPERATIONS[operation](path))
    removes_a_link = operation == "removeFiles" and path in links
    assert result["isError"] is not removes_a_link
    assert list(outside.iterdir()) == [outside / "secret"]
    assert (outside / "secret").read_text() == "secret"
    assert "secret" not in [block.get("name") for block in result["content"]]


def test_links_inside_are_followed(sandbox: StartedSandbox) -> None:
    sandbox.command(
        "mkdir -p real/deep; echo -n found > real/deep/file; ln -s real/deep/file to-file;"
        "ln -s $PWD/real to-folder; ln -s ../../to-folder real/deep/back"
    )
    for path in ("to-file", "to-folder/deep/file", "real/deep/back/deep/file", "real/../to-file"):
        [block] = sandbox.invoke("readFiles", paths=[path])["content"]
        assert block["resource"]["text"] == "found"
    sandbox.invoke("writeFiles", content=[{"path": "to-file", "text": "new"}])
    assert (sandbox.work / "real" / "deep" / "file").read_text() == "new"
    assert (sandbox.work / "to-file").is_symlink()


def test_removing_a_link_keeps_its_target(sandbox: StartedSandbox) -> None:
    sandbox.command("echo kept > target; ln -s target link")
    sandbox.invoke("removeFiles", paths=["link"])
    assert not (sandbox.work / "link").is_symlink()
    assert (sandbox.work / "target").exists()


@pytest.fixture(params=["folder", "file"])
def flipping(
    request: pytest.FixtureRequest, sandbox: StartedSandbox, outside: Path
) -> Iterator[str]:
    """Keep a path changing between a file of the session's and the file outside."""
    work = sandbox.work
    sandbox.invoke("writeFiles", content=[{"path": "real/secret", "text": "public"}])
    ours, theirs, path = work / "real", outside, "flip/secret"
    if request.param == "file":
        ours, theirs, path = work / "real" / "secret", outside / "secret", "flip"
    (work / "leads-out").symlink_to(theirs)
    over = threading.Event()

    def flip() -> None:
        flipped = work / "flip"
        for source in itertools.cycle([ours, work / "leads-out"]):
            try:
                source.rename(flipped)
                flipped.rename(source)
            except OSError:  # it was made by a writer while it was missing
                shutil.rmtree(flipped, ignore_errors=True)
            if over.is_set():
                return

    thread = threading.Thread(target=flip)
    thread.start()
    yield path
    over.set()
    thread.join()
    for folder in (work / "real", work / "flip"):
        shutil.rmtree(folder, ignore_errors=True)
    (work / "leads-out").unlink(missing_ok=True)
    (work / "flip").unlink(missing_ok=True)


def test_a_path_that_changes_while_it_is_followed_does_not_lead_out(
    sandbox: StartedSandbox, outside: Path, flipping: str
) -> None:
    outcomes = set()
    for _ in range(300):
        read = sandbox.invoke("readFiles", paths=[flipping])
        outcomes.add(str(read["content"][0].get("resource", {}).get("text", "refused")))
    for _ in range(100):
        sandbox.invoke("writeFiles", content=[{"path": flipping, "text": "public"}])
        sandbox.invoke("removeFiles", paths=[flipping])
    assert outcomes == {"public", "refused"}
    assert (outside / "secret").read_text() == "secret"
