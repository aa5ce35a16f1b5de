"""The names of sessions: the function's rule, and the client's copy of it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from cdk_code_interpreter.limits import SESSION_NAME_PATTERN
from code_interpreter_client.cli.app import main
from code_interpreter_client.code_interpreter import CodeInterpreter
from code_interpreter_client.errors import InvalidRequest
from code_interpreter_client.function import Function
from code_interpreter_client.session_names import SESSION_NAME, new_session_name
from code_interpreter_invoke.requests import request


def test_the_rule_is_that_of_the_function() -> None:
    assert SESSION_NAME.pattern == request.SESSION_NAME.pattern == SESSION_NAME_PATTERN
    assert SESSION_NAME.fullmatch(new_session_name())


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a b", "'a b'"), ("", "''"), ("é", "'é'"), ("a\n", r"'a\\n'"), (5, "5"), (b"a", "b'a'")],
)
def test_a_wrong_name_is_refused_at_once(name: Any, shown: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^session {shown} is not allowed: name it with 1 to"):
        CodeInterpreter(cast("Function", None)).session(name)
    with pytest.raises(InvalidRequest, match="is not allowed"):
        CodeInterpreter(cast("Function", None)).session("a" * 65)


@pytest.mark.parametrize(
    "command", [["exec", "1"], ["ls"], ["stop"], ["mcp"], ["kernel", "install"], ["shell"]]
)
@pytest.mark.parametrize("is_variable", [True, False])
def test_a_command_with_a_wrong_name_asks_nobody(
    command: list[str],
    is_variable: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(CodeInterpreter, "from_stack", lambda *_, **__: pytest.fail("it was asked"))
    monkeypatch.setenv("CODE_INTERPRETER_SESSION", "a b" if is_variable else "s")
    assert main(command if is_variable else ["--session", "a b", *command]) == 2
    assert capsys.readouterr().err == (
        "error: session 'a b' is not allowed: name it with 1 to 64 letters, digits, _ and -; "
        "change --session, or CODE_INTERPRETER_SESSION\n"
    )
