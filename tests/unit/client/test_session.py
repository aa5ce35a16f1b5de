"""A session: its end, its names and keys, and a response that does not come whole."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, cast

import pytest

from code_interpreter_client.code_interpreter import CodeInterpreter
from code_interpreter_client.errors import FunctionUnavailable, NotStarted, OutcomeUnknown
from code_interpreter_client.function import Function
from code_interpreter_client.session import Session


class FakeFunction:
    """A function that cannot be called, or whose requests fail."""

    def __init__(self, error: Exception) -> None:
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
def test_an_empty_name_or_key_is_for_the_function_to_refuse(method: str) -> None:
    function = Recording({"status": "ok"})
    session = CodeInterpreter(cast("Function", function)).session("")
    getattr(session, method)("1", key="")
    assert function.requests == [{"session": "", "key": ""}]


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
