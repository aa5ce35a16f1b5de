from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_interpreter_invoke.errors import InvalidRequestError
from code_interpreter_invoke.requests.request import Request, direct_request, platform_request
from code_interpreter_invoke.requests.tools import TOOLS

OPERATIONS = TOOLS["invoke_code_interpreter"].input_schema["properties"]["name"]["enum"]


def refusal(event: Any) -> str:
    with pytest.raises(InvalidRequestError) as refused:
        direct_request(event)
    message = refused.value.message
    assert "\n" not in message
    return message


def test_the_events_of_the_skill_are_accepted() -> None:
    request = direct_request(
        {
            "tool": "execute_code",
            "session": "sales-q3",
            "code": "print(1)",
            "language": "python",
            "output_filename": "chart.png",
        }
    )
    assert request.session == "sales-q3"
    assert request.arguments == {
        "code": "print(1)",
        "language": "python",
        "output_filename": "chart.png",
        "save_figures": None,
        "timeout_seconds": None,
    }


@pytest.mark.parametrize(
    ("event", "given", "allowed"),
    [
        ({}, "needs tool", "execute_code"),
        ({"tool": None}, "needs tool", "workspace_read"),
        ({"tool": "execute_cod"}, "'execute_cod' (did you mean 'execute_code'?)", "stop_session"),
        ({"tool": 7}, "7", "execute_command"),
        ({"tool": "execute_code"}, "needs code. Its description:", "The program"),
        (
            {"tool": "execute_command", "command": "x", "env": {"A": 1}},
            "given an integer. Its description: The variable's value.",
            "env['A'] must be a string",
        ),
        ({"tool": "execute_code", "code": None}, "needs code", "The program"),
        ({"tool": "execute_code", "code": 5}, "given an integer", "must be a string"),
        ({"tool": "execute_code", "code": ["x"]}, "given an array", "must be a string"),
        ({"tool": "execute_code", "cod": "x"}, "'cod' (did you mean 'code'?)", "output_filename"),
        (
            {"tool": "execute_code", "code": "x", "language": "Python"},
            "'Python' (did you mean 'python'?)",
            "javascript, typescript",
        ),
        ({"tool": "execute_code", "code": "x", "session": "a b"}, "'a b'", "1 to 64 letters"),
        ({"tool": "execute_code", "code": "x", "session": ""}, "''", "1 to 64 letters"),
        ({"tool": "execute_code", "code": "x", "session": "x" * 65}, "xxx", "1 to 64 letters"),
        ({"tool": "execute_code", "code": "x", "session": "a\n"}, "'a\\n'", "1 to 64 letters"),
        ({"tool": "execute_code", "code": "x", "timeout_seconds": 0}, "given 0", "at least 1"),
        ({"tool": "execute_code", "code": "x", "timeout_seconds": 901}, "given 901", "at most 900"),
        ({"tool": "execute_code", "code": "x", "timeout_seconds": True}, "boolean", "an integer"),
        ({"tool": "execute_code", "code": "x", "timeout_seconds": 1.5}, "number", "an integer"),
        ({"tool": "execute_code", "code": "\ud800"}, "surrogate", "code"),
        ({"tool": "execute_code", "code": "x", "idempotency_key": ""}, "has 0", "1 to 256"),
        ({"tool": "execute_code", "code": "x", "trace_id": "a\r\nb: c"}, "'a\\r\\nb", "ASCII"),
        ({"tool": "workspace_list"}, "needs a session", "1 to 64 letters"),
        (
            {"tool": "workspace_list", "session": "s", "idempotency_key": "k"},
            "'idempotency_key'",
            "next_token",
        ),
        ({"tool": "file_operations", "operation": "copy"}, "'copy'", "read, write, list, remove"),
        (
            {"tool": "file_operations", "operation": "read", "paths": "a"},
            "given a string",
            "paths must be an array",
        ),
        (
            {"tool": "file_operations", "operation": "read", "paths": ["a", 1]},
            "given an integer",
            "paths[1] must be a string",
        ),
        (
            {"tool": "file_operations", "operation": "write", "content": [{"text": "x"}]},
            "content[0] needs path",
            "relative",
        ),
        (
            {"tool": "file_operations", "operation": "write", "content": [{"path": "a", "x": 1}]},
            "'x'",
            "path, text, blob",
        ),
        (
            {"tool": "invoke_code_interpreter", "name": "runCode"},
            "'runCode'",
            "startCommandExecution",
        ),
        (
            {
                "tool": "invoke_code_interpreter",
                "name": "executeCode",
                "arguments": {"runtime": "bun"},
            },
            "'bun'",
            "nodejs, deno, python",
        ),
        ([], "given an array", "JSON object"),
        ("x", "given a string", "JSON object"),
        (None, "given null", "JSON object"),
    ],
)
def test_one_line_says_what_was_given_and_what_is_allowed(
    event: Any, given: str, allowed: str
) -> None:
    message = refusal(event)
    assert given in message
    assert allowed in message


@pytest.mark.parametrize(
    "event",
    [
        {"tool": "file_operations", "operation": "write", "content": [{"path": "a", "text": ""}]},
        {"tool": "ci_push_to_workspace"},
        *(
            {"tool": "invoke_code_interpreter", "name": name}
            for name in OPERATIONS
            if name not in ("executeCode", "executeCommand")
        ),
    ],
    ids=lambda event: event.get("name", event["tool"]),
)
def test_what_would_be_lost_with_a_sandbox_of_its_own_needs_a_session(
    event: dict[str, Any],
) -> None:
    """It would be said to have worked."""
    assert f"{event.get('name', event['tool'])} needs a session" in refusal(event)
    assert direct_request({**event, "session": "s"}).session == "s"


def test_long_values_are_not_repeated() -> None:
    assert len(refusal({"tool": "x" * 10_000})) < 500


def test_platforms_say_the_session_and_models_cannot() -> None:
    with pytest.raises(InvalidRequestError, match="no argument 'session'"):
        platform_request("execute_code", {"code": "x", "session": "other"}, "mine", {}, "a header")
    assert platform_request("execute_code", {"code": "x"}, "mine", {}, "a header").session == "mine"


def test_models_cannot_see_the_sessions_of_others() -> None:
    with pytest.raises(InvalidRequestError, match="no tool 'list_sessions'"):
        platform_request("list_sessions", {}, "mine", {}, "a header")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = sorted({name for tool in TOOLS.values() for name in tool.input_schema["properties"]})


@settings(max_examples=40)
@given(JSON)
def test_any_event_is_a_request_or_one_clear_line(event: Any) -> None:
    try:
        assert isinstance(direct_request(event), Request)
    except InvalidRequestError as refused:
        assert 0 < len(refused.message) < 1000
        assert "\n" not in refused.message


@settings(max_examples=40)
@given(st.sampled_from(sorted(TOOLS)), st.dictionaries(st.sampled_from(NAMES), JSON))
def test_any_arguments_are_a_request_or_one_clear_line(tool: str, arguments: Any) -> None:
    try:
        request = direct_request({**arguments, "tool": tool, "session": "s"})
    except InvalidRequestError as refused:
        assert "\n" not in refused.message
    else:
        assert set(request.arguments) == set(TOOLS[tool].input_schema["properties"])
