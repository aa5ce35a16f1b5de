"""The end of a session that the client has named by itself."""

from __future__ import annotations

from typing import Any, cast

import pytest

from code_interpreter_client.errors import FunctionUnavailable, NotStarted
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
