from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from code_interpreter_invoke.sandbox.observer_program import without_tag
from tests.fakes.client_error import client_error
from tests.fakes.lambda_context import Context
from tests.fakes.world import World


def test_output_and_exit_code_are_in_the_response(world: World) -> None:
    response = world.ok("execute_code", session="s", code="print('out')")
    assert (response["stdout"], response["stderr"], response["exit_code"]) == ("out", "", 0)
    assert response["execution_time"] == 0.01


def test_code_that_fails_says_how_and_keeps_what_it_printed(world: World) -> None:
    response = world("execute_code", session="s", code="print('before'); 1/0")
    assert response["status"] == "error"
    assert response["error"] == {
        "type": "CodeFailed",
        "message": "the code failed with exit code 1: ZeroDivisionError: division by zero",
        "retryable": False,
    }
    assert response["stdout"] == "before"
    assert "ZeroDivisionError" in response["stderr"]
    assert response["exit_code"] == 1


def test_a_session_is_usable_after_a_failure(world: World) -> None:
    world("execute_code", session="s", code="x = 5; 1/0")
    assert world.ok("execute_code", session="s", code="print(x)")["stdout"] == "5"


def test_python_is_the_default_language(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    assert world.agentcore.arguments["language"] == "python"
    world.ok("execute_code", session="s", code="x = 1", language="typescript")
    assert world.agentcore.arguments["language"] == "typescript"


def test_code_is_sent_as_it_is(world: World) -> None:
    code = "text = '''quotes \" and ' and \\\\ and\r\n\ttabs and ü and \U0001f600'''"
    world.ok("execute_code", session="s", code=code)
    sent = world.agentcore.arguments["code"]
    # The observer takes the tag off again.
    assert "".join(without_tag([sent])) == code


# Commands.


def test_a_commands_lines_end_as_in_files(world: World) -> None:
    response = world.ok("execute_command", session="s", command="printf 'a\\nb\\n'")
    assert response["stdout"] == "a\nb\n"


def test_a_commands_exit_code_counts_even_when_the_service_sees_no_error(world: World) -> None:
    world.agentcore.results["executeCommand"] = {
        "content": [],
        "structuredContent": {"stdout": "so far", "stderr": "", "exitCode": 3},
        "isError": False,
    }
    response = world("execute_command", session="s", command="exit 3")
    assert response["error"]["type"] == "CodeFailed"
    assert (response["exit_code"], response["stdout"]) == (3, "so far")


def test_a_failing_commands_output_is_kept(world: World) -> None:
    response = world("execute_command", session="s", command="echo hello; exit 3")
    assert response["exit_code"] == 3
    assert response["stderr"] == "hello\n"
    assert response["error"]["message"] == "the command failed with exit code 3: hello"


def test_a_command_within_its_limit_is_as_without_one(world: World) -> None:
    response = world.ok(
        "execute_command", session="s", command='echo "it\'s" $0', timeout_seconds=60
    )
    assert response["stdout"] == "it's bash\n"
    response = world("execute_command", session="s", command="echo x; exit 7", timeout_seconds=60)
    assert response["exit_code"] == 7


def test_a_command_that_kills_itself_has_failed(world: World) -> None:
    response = world("execute_command", session="s", command="kill -9 $$", timeout_seconds=60)
    assert response["exit_code"] == 128 + 9


def test_a_command_past_its_limit_is_ended_and_the_session_lives_on(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    response = world(
        "execute_command", session="s", command="echo begun; sleep 60", timeout_seconds=1
    )
    assert response["error"]["type"] == "TimedOut"
    assert response["stdout"] == "begun\n"
    assert world.ok("execute_code", session="s", code="print(x)")["stdout"] == "1"


@pytest.mark.parametrize(
    "call",
    [
        {"tool": "execute_command", "command": "x" * 120_001},
        # The limit is a part of the command, too.
        {"tool": "execute_command", "command": "'" * 40_000, "timeout_seconds": 5},
        {
            "tool": "invoke_code_interpreter",
            "name": "startCommandExecution",
            "arguments": {"command": "ü" * 60_001},
        },
    ],
)
def test_a_command_on_which_the_service_would_hang_is_refused(
    world: World, call: dict[str, Any]
) -> None:
    response = world.function({"session": "s", **call}, Context())
    assert response["error"]["type"] == "InvalidRequest"
    assert "write the script to a file" in response["error"]["message"]
    assert world.agentcore.calls == []


def test_a_command_that_the_sessions_variables_make_too_long_is_refused(world: World) -> None:
    world.ok("start_session", session="s", env={"A": "x" * 80_000})
    world.forget_calls()
    response = world("execute_command", session="s", command="#" * 50_000)
    assert response["error"]["type"] == "InvalidRequest"
    assert "the command line has 1300" in response["error"]["message"]
    assert "executeCommand" not in world.agentcore.operations()


@pytest.mark.parametrize("setup", [{}, {"setup": "#" * 60_000}])
def test_variables_that_no_command_could_have_are_refused(
    world: World, setup: dict[str, str]
) -> None:
    env = {"A": "x" * (120_000 - sum(map(len, setup.values())))}
    response = world("start_session", session="s", env=env, **setup)
    assert response["error"]["type"] == "InvalidRequest"
    assert "shorten setup or env" in response["error"]["message"]
    assert world.agentcore.calls == []


def test_a_command_may_be_long(world: World) -> None:
    response = world.ok("execute_command", session="s", command=f"printf {'x' * 100_000} | wc -c")
    assert response["stdout"].strip() == "100000"


def test_only_running_code_costs_the_sandbox(world: World) -> None:
    world.ok("execute_code", session="s", code="x = 1")

    def time_out(operation: str, _detail: str) -> None:
        if operation == "listFiles":
            raise TimeoutError

    world.agentcore.before = time_out
    response = world("file_operations", session="s", operation="list")
    assert response["error"]["type"] == "TimedOut"
    assert world.ok("execute_code", session="s", code="print(x)")["stdout"] == "1"


# output_filename.

PNG = bytes(range(256)) * 4


@pytest.mark.parametrize(
    "content",
    [
        PNG,
        b"",
        b"a,b\n1,2\n",
        b"a,b\r\n1,2\r\n",
        "ümlaut \U0001f600".encode(),
        b"\xef\xbb\xbfbyte order mark",
        b"\0",
        b"\xff\xfe",
        b"'\"\\`$(x)\n",
    ],
)
def test_the_file_is_saved_byte_for_byte(world: World, content: bytes) -> None:
    response = world.ok(
        "execute_code",
        session="s",
        code=f"(here / 'out.x').write_bytes({content!r}); print('done')",
        output_filename="out.x",
    )
    assert response["files_saved"] == ["code-interpreter/out.x"]
    assert response["stdout"] == "done"
    assert world.s3.saved("s") == {"out.x": content}


@example(b"")
@example(bytes(range(256)))
@example(b"\r\n\r\n")
@settings(max_examples=7)
@given(
    st.binary(max_size=2000)
    | st.text(max_size=500).map(lambda text: text.encode("utf-8", "replace"))
)
def test_any_content_is_saved_byte_for_byte(world: World, content: bytes) -> None:
    world.ok(
        "execute_code",
        session="s",
        code=f"(here / 'out').write_bytes({content!r})",
        output_filename="out",
    )
    assert world.s3.saved("s")["out"] == content


def test_a_saved_file_is_read_and_listed_by_the_path_in_the_response(world: World) -> None:
    saved = world.ok(
        "execute_code",
        session="s",
        code="(here / 'a.xlsx').write_bytes(b'PK')",
        output_filename="a.xlsx",
    )["files_saved"]
    assert world.ok("workspace_read", session="s", path=saved[0])["content"] == "PK"
    listed = world.ok("workspace_list", session="s")["files"]
    assert [file["path"] for file in listed] == saved


def test_folders_are_kept(world: World) -> None:
    code = "(here / 'a/b').mkdir(parents=True); (here / 'a/b/c.txt').write_text('x')"
    response = world.ok("execute_code", session="s", code=code, output_filename="./a/b/c.txt")
    assert response["files_saved"] == ["code-interpreter/a/b/c.txt"]


def test_a_missing_file_is_a_partial_response(world: World) -> None:
    response = world("execute_code", session="s", code="print('done')", output_filename="chart.png")
    assert response["status"] == "partial"
    assert response["files_saved"] == []
    assert response["warnings"] == ["'chart.png' was not saved: No such file or directory"]
    assert response["stdout"] == "done"
    assert "error" not in response


def test_an_empty_folder_is_a_partial_response(world: World) -> None:
    response = world("execute_code", session="s", code="x = 1", output_filename="log")
    assert response["status"] == "partial"


def test_a_link_is_not_followed(world: World) -> None:
    response = world(
        "execute_code",
        session="s",
        code="(here / 'link').symlink_to('/etc/hostname')",
        output_filename="link",
    )
    assert response["warnings"] == ["'link' was not saved: it is not a regular file"]
    assert world.s3.saved("s") == {}


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../b", "", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused_before_anything_runs(
    world: World, name: str
) -> None:
    response = world("execute_code", session="s", code="x = 1", output_filename=name)
    assert response["error"]["type"] == "InvalidRequest"
    assert "output_filename" in response["error"]["message"]
    assert world.agentcore.calls == []
    assert world.s3.calls == []


def test_the_file_of_failing_code_is_saved(world: World) -> None:
    response = world(
        "execute_code",
        session="s",
        code="(here / 'x').write_text('half'); 1/0",
        output_filename="x",
    )
    assert response["error"]["type"] == "CodeFailed"
    assert response["files_saved"] == ["code-interpreter/x"]
    assert world.s3.saved("s") == {"x": b"half"}


def test_failing_code_need_not_have_written_its_file(world: World) -> None:
    response = world("execute_code", session="s", code="1/0", output_filename="x")
    assert response["error"]["type"] == "CodeFailed"
    assert response["files_saved"] == []
    assert "warnings" not in response


def test_a_command_runs_in_its_folder_with_its_variables(world: World) -> None:
    world.ok("execute_command", session="s", command="mkdir 'my data'; echo 1 > 'my data/f'")
    for limit in ({}, {"timeout_seconds": 60}):
        response = world.ok(
            "execute_command",
            session="s",
            command='cat f; echo "$A|$B"; # a comment',
            cwd="my data",
            env={"A": "it's $HOME", "B": "two\nlines"},
            **limit,
        )
        assert response["stdout"] == "1\nit's $HOME|two\nlines\n"


@pytest.mark.parametrize("limit", [{}, {"timeout_seconds": 60}])
@pytest.mark.parametrize("of", ["session", "command"])
def test_a_command_runs_whatever_its_path_is(world: World, of: str, limit: dict[str, Any]) -> None:
    env = {"PATH": "", "A": "1"}
    world.ok("start_session", session="s", **({"env": env} if of == "session" else {}))
    own = {"env": env} if of == "command" else {}
    command = 'echo "$PATH|$A"'
    response = world.ok("execute_command", session="s", command=command, **own, **limit)
    assert response["stdout"] == "|1\n"


def test_a_command_does_not_run_in_another_folder(world: World) -> None:
    response = world("execute_command", session="s", command="touch ran", cwd="missing")
    assert response["error"]["type"] == "CodeFailed"
    assert "missing" in response["error"]["message"]
    [sandbox] = world.agentcore.running
    assert not (sandbox.directory / "ran").exists()


@pytest.mark.parametrize("name", ["", "1A", "A B", "A=B", "A;touch ran"])
def test_names_that_are_no_variables_are_refused(world: World, name: str) -> None:
    response = world("execute_command", session="s", command="true", env={name: "x"})
    assert response["error"]["type"] == "InvalidRequest"
    assert "env" in response["error"]["message"]
    assert world.agentcore.calls == []


def test_a_command_that_prints_like_the_program_is_not_taken_for_timed_out(world: World) -> None:
    command = "printf '\\ncode-interpreter-invoke:null'"
    response = world.ok("execute_command", session="s", command=command, timeout_seconds=60)
    assert response["stdout"] == "\ncode-interpreter-invoke:null"


def test_a_progress_bar_leaves_its_last_state(world: World) -> None:
    code = r"print('\r'.join(f'{n}%' for n in range(101)))"
    assert world.ok("execute_code", session="s", code=code)["stdout"] == "100%"


@pytest.mark.parametrize("operation", ["executeCommand", "readFiles"])
def test_code_that_ran_is_no_failure_when_saving_fails(world: World, operation: str) -> None:
    def fail(called: str, _detail: str) -> None:
        if called == operation:
            raise client_error("AccessDeniedException", 403, "Invoke")

    world.ok("execute_code", session="s", code="(here / 'x').write_text('made')")
    world.agentcore.before = fail
    response = world("execute_code", session="s", code="print('ran')", output_filename="x")
    if operation == "executeCommand":
        assert response["status"] == "partial"
        assert "AccessDeniedException" in response["warnings"][0]
    assert response["stdout"] == "ran"
    assert world.agentcore.operations().count("executeCode") == 2


def test_code_that_ran_is_no_failure_when_the_bucket_fails(world: World) -> None:
    def fail(operation: str, key: str) -> None:
        if operation == "PutObject" and "code-interpreter" in key:
            raise client_error("SlowDown", 503, "PutObject")

    world.s3.before = fail
    response = world(
        "execute_code",
        session="s",
        code="(here / 'x').write_text('made'); print('ran')",
        output_filename="x",
    )
    assert response["status"] == "partial"
    assert response["stdout"] == "ran"
    assert "SlowDown" in response["warnings"][0]


def test_code_is_not_run_again_when_the_sandbox_ends_before_saving(world: World) -> None:
    def end(operation: str, _detail: str) -> None:
        if operation == "executeCode":
            world.agentcore.end_all()

    world.agentcore.after = end
    response = world("execute_code", session="s", code="print('ran')", output_filename="x")
    assert response["status"] == "partial"
    assert world.agentcore.operations().count("executeCode") == 1


def test_images_in_a_result_are_in_the_response(world: World) -> None:
    world.agentcore.results["executeCode"] = {
        "content": [{"type": "image", "data": b"\x89PNG", "mimeType": "image/png"}],
        "structuredContent": {"stdout": "", "stderr": "", "exitCode": 0},
        "isError": False,
    }
    response = world.ok("execute_code", session="s", code="plot()")
    assert response["images"] == [{"mime_type": "image/png", "data": "iVBORw=="}]
