"""A session: its end, its names and keys, and a response that does not come whole."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pytest

from code_interpreter_client.code_interpreter import CodeInterpreter
from code_interpreter_client.errors import (
    FunctionUnavailable,
    InvalidRequest,
    NotStarted,
    OutcomeUnknown,
    TimedOut,
)
from code_interpreter_client.function import Function
from code_interpreter_client.running import RunningProgram
from code_interpreter_client.session import Session
from code_interpreter_invoke.sessions.named import NamedSession
from code_interpreter_invoke.tools.context import ToolContext


class FakeFunction:
    """A function that cannot be called, or whose requests fail."""

    def __init__(self, error: BaseException) -> None:
        self.tools: list[str] = []
        self._error = error

    def request(self, tool: str, *_: Any, **__: Any) -> dict[str, Any]:
        self.tools.append(tool)
        if tool == "stop_session":
            return {"status": "ok", "stopped": True}
        raise self._error


@pytest.mark.parametrize(
    ("error", "tools"),
    [
        (NotStarted("busy"), ["execute_code", "stop_session"]),
        # Its retries would make the caller wait once more.
        (FunctionUnavailable("throttled", "throttled"), ["execute_code"]),
    ],
)
def test_a_session_is_stopped_unless_the_function_cannot_be_called(
    error: Exception, tools: list[str]
) -> None:
    function = FakeFunction(error)
    session = Session(cast("Function", function), "client-1", stop_at_exit=True)
    with pytest.raises(type(error)), session:
        session.run("pass")
    assert function.tools == tools


@pytest.mark.parametrize(
    ("error", "tools"),
    [
        (KeyboardInterrupt(), ["start_session", "stop_session"]),
        (OutcomeUnknown("lost", idempotency_key=None), ["start_session", "stop_session"]),
        (FunctionUnavailable("throttled", "throttled"), ["start_session"]),
    ],
)
def test_a_session_whose_start_failed_is_stopped(error: BaseException, tools: list[str]) -> None:
    function = FakeFunction(error)
    session = CodeInterpreter(cast("Function", function)).session(setup="pip install duckdb")
    with pytest.raises(type(error)), session:
        pytest.fail("the block began")
    assert function.tools == tools


class FailsToStop:
    """A function that runs programs, and whose network is gone when a session is to be stopped."""

    def request(self, tool: str, *_: Any, **__: Any) -> dict[str, Any]:
        if tool == "stop_session":
            raise FunctionUnavailable("gone", "unreachable", retryable=True)
        return {"status": "ok", "stdout": "42"}


def test_a_session_that_is_not_stopped_keeps_the_result(caplog: pytest.LogCaptureFixture) -> None:
    interpreter = CodeInterpreter(cast("Function", FailsToStop()))
    assert interpreter.run("print(6 * 7)").stdout == "42"
    assert "was not stopped (FunctionUnavailable), and ends by itself" in caplog.text


def test_a_session_that_is_not_stopped_keeps_the_error_of_its_block() -> None:
    session = Session(cast("Function", FailsToStop()), "client-1", stop_at_exit=True)
    with pytest.raises(ZeroDivisionError), session:
        _ = 1 / 0


@pytest.mark.parametrize("method", ["run", "command"])
def test_ctrl_c_ends_the_caller_when_the_program_cannot_be_interrupted(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: RunningProgram) -> NoReturn:
        raise KeyboardInterrupt

    def unreachable(_: RunningProgram) -> NoReturn:
        raise FunctionUnavailable("gone", "unreachable", retryable=True)

    monkeypatch.setattr(RunningProgram, "result", interrupted)
    monkeypatch.setattr(RunningProgram, "interrupt", unreachable)
    session = Session(cast("Function", Recording({"status": "ok"})), "s")
    with pytest.raises(KeyboardInterrupt):
        getattr(session, method)("1")


class Recording:
    """A function that returns a response, and that cannot give the file that has the whole."""

    def __init__(self, response: dict[str, Any]) -> None:
        self.requests: list[dict[str, Any]] = []
        self.response = response

    def request(self, tool: str, *_: Any, **members: Any) -> dict[str, Any]:
        if tool == "workspace_link":
            error = {"type": "NotFound", "message": "there is no file", "retryable": False}
            return {"status": "error", "error": error}
        self.requests.append(members)
        return self.response


@pytest.mark.parametrize("method", ["run", "command"])
def test_an_empty_key_is_for_the_function_to_refuse(method: str) -> None:
    function = Recording({"status": "ok"})
    session = CodeInterpreter(cast("Function", function)).session("s")
    getattr(session, method)("1", key="")
    assert function.requests == [{"session": "s", "key": ""}]


@pytest.mark.parametrize("method", ["delete", "remove"])
def test_no_file_is_deleted_without_a_request(method: str) -> None:
    function = Recording({"status": "ok"})
    getattr(Session(cast("Function", function), "s"), method)()
    assert function.requests == []


INTERRUPTED = ("the time was up and the code was interrupted", "; its variables and files are kept")


def test_the_functions_message_is_the_one_that_is_changed() -> None:
    context: Any = SimpleNamespace(session=object.__new__(NamedSession))
    assert ToolContext.interrupted(context).message == "".join(INTERRUPTED)


@pytest.mark.parametrize(("named", "kept"), [(True, INTERRUPTED[1]), (False, "")])
def test_a_session_for_one_program_says_nothing_of_variables_that_are_kept(
    named: bool, kept: str
) -> None:
    error = {"type": "TimedOut", "message": "".join(INTERRUPTED), "retryable": False}
    function = Recording({"status": "error", "error": error, "stopped": True})
    interpreter = CodeInterpreter(cast("Function", function))
    with pytest.raises(TimedOut) as raised:
        (interpreter.session("s") if named else interpreter).run("1")
    assert raised.value.message == INTERRUPTED[0] + kept
    assert raised.value.response["error"]["message"] == INTERRUPTED[0] + kept


def test_a_response_whose_whole_does_not_come_is_returned_as_it_came() -> None:
    cut = {"status": "ok", "stdout": "a", "full_response": "code-interpreter/whole.json"}
    result = Session(cast("Function", Recording(cut)), "s").run("1")
    assert result.stdout == "a"
    assert result.warnings == ("the whole response did not come: there is no file",)


def started(task_id: str) -> dict[str, Any]:
    return {"status": "ok", "structuredContent": {"taskId": task_id, "taskStatus": "working"}}


def failed(kind: str) -> dict[str, Any]:
    error = {"type": kind, "message": "it failed", "retryable": False}
    return {"status": "error", "error": error}


def test_a_background_command_that_was_lost_is_found_by_its_key() -> None:
    function = Recording(started("t"))
    command = Session(cast("Function", function), "s").background("sleep 9", key="k")
    assert command.task_id == "t"
    assert function.requests == [{"session": "s", "key": "k"}]


WHOLE = {
    "status": "ok",
    "structuredContent": {"taskStatus": "completed", "stdout": "abc", "exitCode": 0},
}
CUT = {
    "status": "ok",
    "structuredContent": {"taskStatus": "completed", "stdout": "a", "exitCode": 0},
    "truncated": True,
    "full_response": "code-interpreter/whole.json",
}


def test_the_result_of_a_background_command_comes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    function = Recording(started("t"))
    command = Session(cast("Function", function), "s").background("yes")
    function.response = CUT
    monkeypatch.setattr(Session, "load", lambda *_: json.dumps(WHOLE).encode())
    result = command.wait()
    assert (result.stdout, result.truncated) == ("abc", False)


def test_the_result_of_a_background_command_says_that_it_is_cut() -> None:
    function = Recording(started("t"))
    command = Session(cast("Function", function), "s").background("yes")
    function.response = CUT
    result = command.wait()
    assert (result.stdout, result.truncated) == ("a", True)
    assert result.warnings == ("the whole response did not come: there is no file",)


def test_members_of_later_functions_are_ignored() -> None:
    def interpreter(**members: Any) -> CodeInterpreter:
        return CodeInterpreter(cast("Function", Recording({"status": "ok", **members})))

    files = [{"path": "uploads/a", "size": 1, "last_modified": "2026", "later": 1}]
    assert [file.path for file in interpreter(files=files).session("s").ls()] == ["uploads/a"]
    sandbox = {"session": "s", "session_id": "1", "session_status": "READY", "created_at": "2026"}
    [found] = interpreter(sessions=[{**sandbox, "later": 1}]).sandboxes()
    assert found.session_id == "1"
    changes = {"created": ["a"], "later": ["b"]}
    assert interpreter(files_changed=changes).session("s").run("1").files_changed.created == ("a",)


def test_an_operation_that_is_no_text_is_for_the_function_to_refuse() -> None:
    session = Session(cast("Function", Recording({"status": "ok"})), "s")
    assert session.request("file_operations", operation=["read"]) == {"status": "ok"}


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_folder_that_is_none_is_not_uploaded(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("1")
    session = Session(cast("Function", Recording({"status": "ok"})), "s")
    with pytest.raises(InvalidRequest, match="is not a folder; name a folder that exists"):
        session.upload_folder(tmp_path / name)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (started("t"), None),
        (failed("CodeFailed"), None),  # it has ended
        (failed("NotStarted"), NotStarted),
        (failed("OutcomeUnknown"), OutcomeUnknown),
        (failed("Later"), OutcomeUnknown),
    ],
)
def test_a_background_command_that_was_not_stopped_is_an_error(
    response: dict[str, Any], error: type[Exception] | None
) -> None:
    function = Recording(started("t"))
    command = Session(cast("Function", function), "s").background("sleep 9")
    function.response = response
    with pytest.raises(error) if error else nullcontext():
        command.stop()
