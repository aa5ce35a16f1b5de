"""Defects that other wrappers of the service have had, each as a test that this one has not."""

from __future__ import annotations

from tests.fakes.lambda_context import Context
from tests.fakes.world import World


def test_what_a_save_names_can_be_read(world: World) -> None:
    """Saved under one name and announced under another."""
    saved = world.ok(
        "execute_code",
        session="s",
        code="(here / 'a.xlsx').write_bytes(b'PK')",
        output_filename="a.xlsx",
    )["files_saved"]
    assert saved == ["code-interpreter/a.xlsx"]
    assert world.ok("workspace_read", session="s", path=saved[0])["content"] == "PK"
    listed = world.ok("workspace_list", session="s")["files"]
    assert [file["path"] for file in listed] == saved


def test_text_files_are_saved_and_read_like_binary_ones(world: World) -> None:
    """Only binary files were recognised: text was always "partial", and empty when read."""
    answer = world.ok(
        "execute_code",
        session="s",
        code="(here / 't.csv').write_text('a,b')",
        output_filename="t.csv",
    )
    assert answer["status"] == "ok"
    files = world.ok("file_operations", session="s", operation="read", paths=["t.csv"])["files"]
    assert files[0]["content"] == "a,b"


def test_an_image_is_there_and_not_a_placeholder(world: World) -> None:
    """The answer had a placeholder that nothing ever replaced."""
    code = "(here / 'c.png').write_bytes(b'\\x89PNG\\r\\n\\x1a\\n\\0')"
    world.ok("execute_code", session="s", code=code, output_filename="c.png")
    assert world.s3.saved("s") == {"c.png": b"\x89PNG\r\n\x1a\n\0"}


def test_content_is_never_made_into_source_code(world: World) -> None:
    """Files were written by programs with their content, badly quoted, in the source."""
    text = "'''\\\n\"); raise SystemExit  # \r\n\0 '"
    name = 'it\'s "quoted" {x}.txt'
    world.ok(
        "file_operations",
        session="s",
        operation="write",
        content=[{"path": name, "text": text}],
    )
    assert (world.agentcore.running[0].directory / name).read_bytes() == text.encode()
    assert "executeCode" not in world.agentcore.operations()


def test_failures_keep_what_was_printed_and_exit_codes_count(world: World) -> None:
    """A failure's output was dropped, and a command's exit code ignored."""
    answer = world("execute_code", session="s", code="print('so far'); 1/0")
    assert (answer["stdout"], answer["exit_code"]) == ("so far", 1)
    answer = world("execute_command", session="s", command="echo so far; false")
    assert answer["status"] == "error"
    assert "so far" in answer["stderr"]


def test_what_a_stream_says_after_it_began_is_not_ignored(world: World) -> None:
    """Exceptions within the stream were passed over, and the answer was an empty success."""

    def lose(operation: str, _detail: str) -> None:
        if operation == "executeCode":
            raise ConnectionResetError

    world.agentcore.after = lose
    answer = world("execute_code", session="s", code="x = 1")
    assert answer["error"]["type"] == "OutcomeUnknown"


def test_an_instance_without_a_memory_overwrites_nothing(world: World) -> None:
    """Without tracking information everything was downloaded again over newer files."""
    world.s3.upload("s", "d.csv", b"old")
    world.ok("execute_code", session="s", code="(here / 'd.csv').write_text('newer')")
    event = {"tool": "execute_code", "session": "s", "code": "print((here / 'd.csv').read_text())"}
    assert world.new_function()(event, Context())["stdout"] == "newer"


def test_an_upload_replaced_under_its_name_is_seen(world: World) -> None:
    """Uploads were told apart by name alone."""
    world.s3.upload("s", "d.csv", b"first")
    world.ok("execute_code", session="s", code="x = 1")
    world.s3.upload("s", "d.csv", b"second")
    answer = world.ok("execute_code", session="s", code="print((here / 'd.csv').read_text())")
    assert answer["stdout"] == "second"


def test_listings_do_not_end_after_a_thousand(world: World) -> None:
    """Listings were not paginated."""
    for index in range(1001):
        world.s3.upload("s", f"{index:04}", b"")
    world.ok("execute_code", session="s", code="x = 1")
    assert (world.agentcore.running[0].directory / "1000").exists()


def test_folders_end_where_their_names_do(world: World) -> None:
    """`documents` also matched `documents-of-another`."""
    world.s3.upload("s", "a", b"mine")
    world.s3.upload("s-2", "b", b"of another")
    paths = [file["path"] for file in world.ok("workspace_list", session="s")["files"]]
    assert paths == ["uploads/a"]


def test_files_of_the_same_name_in_different_folders_are_two(world: World) -> None:
    """Folders were dropped from names, so that one file replaced the other."""
    world.ok(
        "execute_code",
        session="s",
        code="for n in 'ab': (here / n).mkdir(); (here / n / 'f').write_text(n)",
    )
    world.ok("ci_push_to_workspace", session="s", paths=["a/f", "b/f"])
    assert world.s3.saved("s") == {"a/f": b"a", "b/f": b"b"}


def test_files_that_were_not_saved_are_named(world: World) -> None:
    """What could not be saved was left out without a word."""
    world.ok("execute_code", session="s", code="(here / 'a').touch()")
    answer = world("ci_push_to_workspace", session="s", paths=["a", "b"])
    assert answer["status"] == "partial"
    assert answer["warnings"] == ["'b' was not saved: No such file or directory"]
