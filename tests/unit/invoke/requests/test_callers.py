from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_interpreter_invoke.errors import InvalidRequestError
from code_interpreter_invoke.requests.bedrock_agent import (
    MAX_RESPONSE_BYTES,
    BedrockAgent,
    parse_array,
    session_name,
)
from code_interpreter_invoke.requests.request import SESSION_NAME
from code_interpreter_invoke.requests.tools import TOOLS
from tests.fakes.lambda_context import Context
from tests.fakes.s3 import BUCKET, PREFIX
from tests.fakes.world import World


class GatewayContext(Context):
    def __init__(self, tool: str, **custom: Any) -> None:
        super().__init__()
        self.client_context = SimpleNamespace(custom={"bedrockAgentCoreToolName": tool, **custom})


def gateway(world: World, tool: str, arguments: Any, **headers: str) -> dict[str, Any]:
    propagated = {name.replace("_", "-"): value for name, value in headers.items()}
    context = GatewayContext(tool, bedrockAgentCorePropagatedHeaders=propagated)
    return world.function(arguments, context)


def agent_event(function: str, session: str = "s", **parameters: Any) -> dict[str, Any]:
    return {
        "messageVersion": "1.0",
        "agent": {"name": "a", "id": "AGENT", "alias": "ALIAS", "version": "1"},
        "inputText": "please",
        "sessionId": session,
        "actionGroup": "interpreter",
        "function": function,
        "parameters": [
            {"name": name, "type": "string", "value": value} for name, value in parameters.items()
        ],
        "sessionAttributes": {"a": "1"},
        "promptSessionAttributes": {"b": "2"},
    }


def agent(world: World, function: str, session: str = "s", **parameters: Any) -> dict[str, Any]:
    response = world.function(agent_event(function, session, **parameters), Context())
    body = response["response"]["functionResponse"]["responseBody"]["TEXT"]["body"]
    return dict(json.loads(body))


# AgentCore Gateway.


@pytest.mark.parametrize("name", ["target___execute_code", "execute_code"])
def test_the_gateway_says_the_tool_in_the_context(world: World, name: str) -> None:
    response = gateway(world, name, {"code": "print(1)"})
    assert (response["status"], response["stdout"]) == ("ok", "1")
    assert world.agentcore.running == []


def test_the_gateways_early_spelling_is_understood(world: World) -> None:
    context = Context()
    context.client_context = SimpleNamespace(
        custom={"bedrockagentcoreToolName": "t___execute_code"}
    )
    assert world.function({"code": "print(1)"}, context)["stdout"] == "1"


def test_a_propagated_header_names_the_session(world: World) -> None:
    header = {"X_Code_Interpreter_Session": "sales"}
    gateway(world, "t___execute_code", {"code": "x = 1"}, **header)
    response = gateway(world, "t___execute_code", {"code": "print(x)"}, **header)
    assert response["stdout"] == "1"
    assert response["session"] == "sales"


def test_a_bad_header_is_refused(world: World) -> None:
    response = gateway(
        world, "t___execute_code", {"code": "x"}, x_code_interpreter_session="a/../b"
    )
    assert response["error"]["type"] == "InvalidRequest"
    assert world.agentcore.calls == []


def test_a_gateway_without_the_header_is_told_of_it(world: World) -> None:
    response = gateway(world, "t___workspace_list", {})
    assert response["error"]["type"] == "InvalidRequest"
    assert "x-code-interpreter-session" in response["error"]["message"]


def test_the_model_cannot_name_a_session(world: World) -> None:
    response = gateway(world, "t___execute_code", {"code": "x", "session": "of-another"})
    assert response["error"]["type"] == "InvalidRequest"
    assert "'session'" in response["error"]["message"]


def test_the_gateways_traces_are_passed_on(world: World) -> None:
    gateway(world, "t___execute_code", {"code": "x = 1"}, traceparent="00-ab-cd-01")
    assert world.agentcore.trace == {"traceParent": "00-ab-cd-01"}


@pytest.mark.parametrize("event", [None, [], "x", {"cod": "x"}, {}])
def test_whatever_a_model_sends_is_responded(world: World, event: Any) -> None:
    response = gateway(world, "t___execute_code", event)
    assert response["error"]["type"] == "InvalidRequest"


@pytest.mark.parametrize("context", [None, SimpleNamespace(custom=None), SimpleNamespace()])
def test_a_client_context_of_another_kind_is_a_direct_call(world: World, context: Any) -> None:
    calling = Context()
    calling.client_context = context
    event = {"tool": "execute_code", "code": "print(1)"}
    assert world.function(event, calling)["stdout"] == "1"


# Bedrock Agents.


def test_an_agent_gets_the_response_in_its_envelope(world: World) -> None:
    response = world.function(agent_event("execute_code", code="print(1)"), Context())
    assert response["messageVersion"] == "1.0"
    assert response["response"]["actionGroup"] == "interpreter"
    assert response["response"]["function"] == "execute_code"
    assert response["sessionAttributes"] == {"a": "1"}
    assert response["promptSessionAttributes"] == {"b": "2"}
    assert "responseState" not in response["response"]["functionResponse"]
    body = response["response"]["functionResponse"]["responseBody"]["TEXT"]["body"]
    assert json.loads(body)["stdout"] == "1"


def test_an_agents_session_is_its_own(world: World) -> None:
    agent(world, "execute_code", session="a", code="x = 1")
    assert agent(world, "execute_code", session="a", code="print(x)")["stdout"] == "1"
    assert agent(world, "execute_code", session="b", code="print(x)")["status"] == "error"


def test_bad_input_goes_back_to_the_model(world: World) -> None:
    response = world.function(agent_event("execute_code", cod="x"), Context())
    assert response["response"]["functionResponse"]["responseState"] == "REPROMPT"


def test_a_failure_of_code_does_not_end_the_agents_turn(world: World) -> None:
    response = world.function(agent_event("execute_code", code="1/0"), Context())
    assert "responseState" not in response["response"]["functionResponse"]


def test_an_agents_strings_become_what_the_tool_takes(world: World) -> None:
    content = json.dumps([{"path": "a.txt", "text": "x"}, {"path": "b.txt", "text": "y"}])
    response = agent(world, "file_operations", operation="write", content=content)
    assert response["files_written"] == ["a.txt", "b.txt"]
    response = agent(world, "file_operations", operation="read", paths="[a.txt, b.txt]")
    assert [file["content"] for file in response["files"]] == ["x", "y"]
    response = agent(world, "ci_push_to_workspace", paths='["a.txt"]')
    assert response["files_saved"] == ["code-interpreter/a.txt"]
    response = agent(world, "workspace_read", path="code-interpreter/a.txt", offset="0")
    assert response["content"] == "x"
    response = agent(world, "execute_command", command="echo 1", timeout_seconds="60")
    assert response["stdout"] == "1\n"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"operation": "write", "content": "[{path=a}]"}, '{"content": [{"path"'),
        ({"operation": "write", "content": '{"path": "a"}'}, "needs either text or blob"),
        ({"operation": "write", "content": "hello"}, '{"content": [{"path"'),
        (
            {"operation": "write", "content": "hello", "paths": "a.txt, b.txt"},
            '{"content": [{"path"',
        ),
        ({"operation": "write", "content": ""}, '{"content": [{"path"'),
        ({"operation": "write", "paths": "a.txt"}, '{"content": [{"path"'),
        ({"operation": ""}, "operation cannot be ''"),
        ({"operation": "read", "paths": ""}, "read needs paths"),
        ({"operation": "write", "content": "[" * 20_000}, '{"content": [{"path"'),
    ],
)
def test_an_agents_bad_values_are_explained(
    world: World, parameters: dict[str, str], message: str
) -> None:
    response = agent(world, "file_operations", **parameters)
    assert response["error"]["type"] == "InvalidRequest"
    assert message in response["error"]["message"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("hello", "hello"),
        ("", ""),
        ("5", "5"),
        ('{"a": 1}', '{"a": 1}'),
        ("[1, 2]", "[1, 2]"),
        ("a,b\n1,2\n", "a,b\n1,2\n"),
    ],
)
@pytest.mark.parametrize("paths", ["a.txt", '["a.txt"]', "[a.txt]"])
def test_an_agents_plain_content_is_the_file_that_paths_names(
    world: World, paths: str, content: str, text: str
) -> None:
    response = agent(world, "file_operations", operation="write", paths=paths, content=content)
    assert response["files_written"] == ["a.txt"]
    response = agent(world, "file_operations", operation="read", paths=paths)
    assert [file["content"] for file in response["files"]] == [text]


def test_an_agents_only_file_needs_no_array(world: World) -> None:
    content = json.dumps({"path": "a.txt", "text": "x"})
    response = agent(world, "file_operations", operation="write", content=content)
    assert response["files_written"] == ["a.txt"]


@pytest.mark.parametrize(
    ("function", "parameters", "arguments"),
    [
        (
            "execute_code",
            {"code": "1", "language": "", "output_filename": " ", "timeout_seconds": ""},
            {"code": "1", "language": None, "output_filename": None, "timeout_seconds": None},
        ),
        ("execute_code", {"code": "1", "timeout_seconds": "5.0"}, {"timeout_seconds": 5}),
        ("execute_code", {"code": "1", "timeout_seconds": " 60. "}, {"timeout_seconds": 60}),
        (
            "execute_command",
            {"command": "ls", "cwd": "", "env": ""},
            {"command": "ls", "cwd": None, "env": None},
        ),
        ("file_operations", {"operation": "list", "paths": ""}, {"paths": None}),
        ("file_operations", {"operation": "read", "paths": "2024"}, {"paths": ["2024"]}),
        ("workspace_list", {"path": "", "next_token": ""}, {"path": None, "next_token": None}),
        ("workspace_read", {"path": "a", "offset": "100.00"}, {"path": "a", "offset": 100}),
        (
            "workspace_write",
            {"path": "uploads/a", "content": "", "encoding": ""},
            {"path": "uploads/a", "content": "", "encoding": None},
        ),
        ("execute_code", {"code": ""}, {"code": ""}),
    ],
)
def test_an_agents_texts_are_read_as_meant(
    function: str, parameters: dict[str, str], arguments: dict[str, Any]
) -> None:
    request = BedrockAgent(agent_event(function, **parameters)).request()
    assert arguments.items() <= request.arguments.items()


def test_an_agent_without_parameters_is_responded(world: World) -> None:
    event = agent_event("workspace_list")
    del event["parameters"]
    del event["promptSessionAttributes"]
    response = world.function(event, Context())
    assert "promptSessionAttributes" not in response


def test_an_unpaired_surrogate_in_an_agents_event_costs_no_response(world: World) -> None:
    event = agent_event("execute_code", code="print('ran')")
    event["sessionAttributes"] = {"name": "\ud800"}
    response = world.function(event, Context())
    json.dumps(response, ensure_ascii=False).encode()  # as the managed runtime does
    assert response["sessionAttributes"] == {"name": "?"}
    body = response["response"]["functionResponse"]["responseBody"]["TEXT"]["body"]
    assert json.loads(body)["stdout"] == "ran"


@pytest.mark.parametrize("character", ["\u00e9", '"', "\n", "\x01", "\\"])
def test_an_agents_response_stays_below_its_limit(world: World, character: str) -> None:
    """Whatever JSON within JSON makes of it."""
    response = world.function(
        agent_event("execute_code", code=f"print('a' + {character!r} * 20_000 + 'a')"), Context()
    )
    assert len(json.dumps(response)) <= MAX_RESPONSE_BYTES
    body = json.loads(response["response"]["functionResponse"]["responseBody"]["TEXT"]["body"])
    assert body["truncated"] is True
    assert len(body["stdout"]) > 1000


def test_an_agents_own_attributes_cost_the_response_no_more_than_its_output(world: World) -> None:
    event = agent_event("execute_code", code="print('x' * 20_000)")
    event["sessionAttributes"] = {"large": "y" * MAX_RESPONSE_BYTES}
    response = world.function(event, Context())
    body = json.loads(response["response"]["functionResponse"]["responseBody"]["TEXT"]["body"])
    assert (body["status"], body["session"], body["exit_code"]) == ("ok", "s", 0)
    assert len(body["stdout"]) < 200


@pytest.mark.parametrize(
    "content",
    [
        b"x" * 50_000,
        b"\x01" * 50_000,
        b'"\\' * 25_000,
        "x\U0001f600".encode() * 10_000,
        b"\xff" * 50_000,
    ],
    ids=["ascii", "control characters", "quotes", "four bytes", "binary"],
)
def test_an_agent_reads_a_file_of_any_size_by_its_parts(world: World, content: bytes) -> None:
    world.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/s/uploads/f", Body=content)
    whole = b""
    response: dict[str, Any] = {"next_offset": 0}
    while "next_offset" in response:
        assert response["next_offset"] == len(whole)
        response = agent(world, "workspace_read", path="uploads/f", offset=str(len(whole)))
        part = response["content"]
        whole += part.encode() if response["encoding"] == "text" else base64.b64decode(part)
        assert "full_response" not in response
    assert whole == content


def test_an_agent_lists_a_workspace_of_any_size_by_its_pages(world: World) -> None:
    paths = [f"uploads/{index:04}-{'x' * 80}" for index in range(1500)]
    for path in paths:
        world.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/s/{path}", Body=b"")
    found: list[str] = []
    world.forget_calls()
    pages = 1
    response = agent(world, "workspace_list")
    while True:
        found += [file["path"] for file in response["files"]]
        assert response["count"] == len(response["files"])
        if "next_token" not in response:
            break
        response = agent(world, "workspace_list", next_token=response["next_token"])
        pages += 1
    assert found == paths
    assert pages > 2
    assert world.s3.operations() == ["ListObjectsV2"] * pages


@pytest.mark.parametrize("offset", ["--5", "9" * 5000, "five", "1.5", "5.0.0", ".0"])
def test_an_agents_number_that_is_none_is_refused(world: World, offset: str) -> None:
    response = agent(world, "workspace_read", path="uploads/f", offset=offset)
    assert response["error"]["type"] == "InvalidRequest"
    assert "offset must be an integer" in response["error"]["message"]


@pytest.mark.parametrize("parameters", ["code", {"code": "1"}, ["code"], [{"value": "1"}], 7])
def test_an_event_that_no_agent_sends_is_explained(world: World, parameters: Any) -> None:
    event = {**agent_event("execute_code"), "parameters": parameters}
    response = world.function(event, Context())
    body = json.loads(response["response"]["functionResponse"]["responseBody"]["TEXT"]["body"])
    assert body["error"]["type"] == "InvalidRequest"
    assert "list of objects with name and value" in body["error"]["message"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["a", "b"]', ["a", "b"]),
        ("[a, b]", ["a", "b"]),
        ("[a]", ["a"]),
        ("a", ["a"]),
        ("[]", []),
        ("['a b', \"c\"]", ["a b", "c"]),
    ],
)
def test_arrays_come_in_several_spellings(text: str, expected: list[str]) -> None:
    paths = TOOLS["file_operations"].input_schema["properties"]["paths"]
    assert parse_array("paths", paths, text) == expected


@given(st.text(st.characters()) | st.just("\ud800"))
def test_any_session_id_of_a_platform_gives_a_session_name(session_id: str) -> None:
    name = session_name(session_id)
    assert SESSION_NAME.fullmatch(name)
    if SESSION_NAME.fullmatch(session_id):
        assert name == session_id


STRINGS = st.dictionaries(
    st.sampled_from(["code", "paths", "content", "operation", "x"]), st.text()
)


@given(st.sampled_from(sorted(TOOLS)) | st.text(), STRINGS)
def test_any_event_of_an_agent_is_a_request_or_one_clear_line(
    function: str, parameters: dict[str, str]
) -> None:
    event = agent_event(function)
    event["parameters"] = [{"name": name, "value": parameters[name]} for name in parameters]
    try:
        BedrockAgent(event).request()
    except InvalidRequestError as refused:
        assert "\n" not in refused.message


# Whatever arrives.

# Any JSON value, with unpaired surrogates.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=8)
ARGUMENTS = sorted({name for tool in TOOLS.values() for name in tool.input_schema["properties"]})
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(ANY_TEXT | st.sampled_from(ARGUMENTS), inner, max_size=4)
    ),
    max_leaves=8,
)
DIRECT_EVENTS = st.fixed_dictionaries(
    {"tool": st.sampled_from(sorted(TOOLS))},
    optional=dict.fromkeys([*ARGUMENTS, "session", "idempotency_key", "trace_id"], ANY_JSON),
)
AGENT_EVENTS = st.fixed_dictionaries(
    {"messageVersion": ANY_JSON, "actionGroup": ANY_JSON, "sessionId": ANY_JSON},
    optional={
        "function": st.sampled_from(sorted(TOOLS)) | ANY_JSON,
        "parameters": ANY_JSON
        | st.lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from(ARGUMENTS) | ANY_JSON}, optional={"value": ANY_JSON}
            )
        ),
        "sessionAttributes": ANY_JSON,
    },
)
CLIENT_CONTEXTS = ANY_JSON | st.fixed_dictionaries(
    {"bedrockAgentCoreToolName": st.sampled_from([f"t___{tool}" for tool in TOOLS]) | ANY_JSON},
    optional={
        "bedrockAgentCorePropagatedHeaders": ANY_JSON
        | st.dictionaries(st.sampled_from(["x-code-interpreter-session", "traceparent"]), ANY_JSON)
    },
)


@settings(max_examples=40)
@given(event=DIRECT_EVENTS | AGENT_EVENTS | ANY_JSON, custom=st.none() | CLIENT_CONTEXTS)
def test_any_event_gets_a_response_that_can_be_sent(world: World, event: Any, custom: Any) -> None:
    world.forget_calls()
    context = Context()
    context.client_context = SimpleNamespace(custom=custom)
    response = world.function(event, context)
    sent = json.dumps(response, ensure_ascii=False).encode()  # as the managed runtime does
    assert b"failed unexpectedly" not in sent
    if b"InvalidRequest" in sent:
        assert world.agentcore.calls == world.s3.calls == []
