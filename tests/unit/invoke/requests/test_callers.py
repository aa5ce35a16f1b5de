from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_interpreter_invoke.errors import InvalidRequestError
from code_interpreter_invoke.requests.callers import AGENT_ANSWER_BYTES, Agent, listed, session_name
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
    answer = world.function(agent_event(function, session, **parameters), Context())
    body = answer["response"]["functionResponse"]["responseBody"]["TEXT"]["body"]
    return dict(json.loads(body))


# AgentCore Gateway.


@pytest.mark.parametrize("name", ["target___execute_code", "execute_code"])
def test_the_gateway_says_the_tool_in_the_context(world: World, name: str) -> None:
    answer = gateway(world, name, {"code": "print(1)"})
    assert (answer["status"], answer["stdout"]) == ("ok", "1")
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
    answer = gateway(world, "t___execute_code", {"code": "print(x)"}, **header)
    assert answer["stdout"] == "1"
    assert answer["session"] == "sales"


def test_a_bad_header_is_refused(world: World) -> None:
    answer = gateway(world, "t___execute_code", {"code": "x"}, x_code_interpreter_session="a/../b")
    assert answer["error"]["type"] == "InvalidRequest"
    assert world.agentcore.calls == []


def test_a_gateway_without_the_header_is_told_of_it(world: World) -> None:
    answer = gateway(world, "t___workspace_list", {})
    assert answer["error"]["type"] == "InvalidRequest"
    assert "x-code-interpreter-session" in answer["error"]["message"]


def test_the_model_cannot_name_a_session(world: World) -> None:
    answer = gateway(world, "t___execute_code", {"code": "x", "session": "of-another"})
    assert answer["error"]["type"] == "InvalidRequest"
    assert "'session'" in answer["error"]["message"]


def test_the_gateways_traces_are_passed_on(world: World) -> None:
    gateway(world, "t___execute_code", {"code": "x = 1"}, traceparent="00-ab-cd-01")
    assert world.agentcore.trace == {"traceParent": "00-ab-cd-01"}


@pytest.mark.parametrize("event", [None, [], "x", {"cod": "x"}, {}])
def test_whatever_a_model_sends_is_answered(world: World, event: Any) -> None:
    answer = gateway(world, "t___execute_code", event)
    assert answer["error"]["type"] == "InvalidRequest"


@pytest.mark.parametrize("context", [None, SimpleNamespace(custom=None), SimpleNamespace()])
def test_a_client_context_of_another_kind_is_a_direct_call(world: World, context: Any) -> None:
    calling = Context()
    calling.client_context = context
    event = {"tool": "execute_code", "code": "print(1)"}
    assert world.function(event, calling)["stdout"] == "1"


# Bedrock Agents.


def test_an_agent_is_answered_in_its_envelope(world: World) -> None:
    answer = world.function(agent_event("execute_code", code="print(1)"), Context())
    assert answer["messageVersion"] == "1.0"
    assert answer["response"]["actionGroup"] == "interpreter"
    assert answer["response"]["function"] == "execute_code"
    assert answer["sessionAttributes"] == {"a": "1"}
    assert answer["promptSessionAttributes"] == {"b": "2"}
    assert "responseState" not in answer["response"]["functionResponse"]
    body = answer["response"]["functionResponse"]["responseBody"]["TEXT"]["body"]
    assert json.loads(body)["stdout"] == "1"


def test_an_agents_session_is_its_own(world: World) -> None:
    agent(world, "execute_code", session="a", code="x = 1")
    assert agent(world, "execute_code", session="a", code="print(x)")["stdout"] == "1"
    assert agent(world, "execute_code", session="b", code="print(x)")["status"] == "error"


def test_bad_input_goes_back_to_the_model(world: World) -> None:
    answer = world.function(agent_event("execute_code", cod="x"), Context())
    assert answer["response"]["functionResponse"]["responseState"] == "REPROMPT"


def test_a_failure_of_code_does_not_end_the_agents_turn(world: World) -> None:
    answer = world.function(agent_event("execute_code", code="1/0"), Context())
    assert "responseState" not in answer["response"]["functionResponse"]


def test_an_agents_strings_become_what_the_tool_takes(world: World) -> None:
    content = json.dumps([{"path": "a.txt", "text": "x"}, {"path": "b.txt", "text": "y"}])
    answer = agent(world, "file_operations", operation="write", content=content)
    assert answer["files_written"] == ["a.txt", "b.txt"]
    answer = agent(world, "file_operations", operation="read", paths="[a.txt, b.txt]")
    assert [file["content"] for file in answer["files"]] == ["x", "y"]
    answer = agent(world, "ci_push_to_workspace", paths='["a.txt"]')
    assert answer["files_saved"] == ["code-interpreter/a.txt"]
    answer = agent(world, "workspace_read", path="code-interpreter/a.txt", offset="0")
    assert answer["content"] == "x"
    answer = agent(world, "execute_command", command="echo 1", timeout_seconds="60")
    assert answer["stdout"] == "1\n"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"operation": "write", "content": "[{path=a}]"}, "content must be JSON text"),
        ({"operation": "write", "content": '{"path": "a"}'}, "must be an array, given an object"),
        ({"operation": "write", "content": "[" * 20_000}, "content must be JSON text"),
    ],
)
def test_an_agents_bad_values_are_explained(
    world: World, parameters: dict[str, str], message: str
) -> None:
    answer = agent(world, "file_operations", **parameters)
    assert answer["error"]["type"] == "InvalidRequest"
    assert message in answer["error"]["message"]


def test_an_agent_without_parameters_is_answered(world: World) -> None:
    event = agent_event("workspace_list")
    del event["parameters"]
    del event["promptSessionAttributes"]
    answer = world.function(event, Context())
    assert "promptSessionAttributes" not in answer


@pytest.mark.parametrize("character", ["\u00e9", '"', "\n", "\x01", "\\"])
def test_an_agents_answer_stays_below_its_limit(world: World, character: str) -> None:
    """Whatever JSON within JSON makes of it."""
    answer = world.function(
        agent_event("execute_code", code=f"print({character!r} * 20_000)"), Context()
    )
    assert len(json.dumps(answer)) <= AGENT_ANSWER_BYTES
    body = json.loads(answer["response"]["functionResponse"]["responseBody"]["TEXT"]["body"])
    assert body["truncated"] is True
    assert len(body["stdout"]) > 1000


def test_an_agents_own_attributes_cost_the_answer_no_more_than_its_output(world: World) -> None:
    event = agent_event("execute_code", code="print('x' * 20_000)")
    event["sessionAttributes"] = {"large": "y" * AGENT_ANSWER_BYTES}
    answer = world.function(event, Context())
    body = json.loads(answer["response"]["functionResponse"]["responseBody"]["TEXT"]["body"])
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
    answer: dict[str, Any] = {"next_offset": 0}
    while "next_offset" in answer:
        assert answer["next_offset"] == len(whole)
        answer = agent(world, "workspace_read", path="uploads/f", offset=str(len(whole)))
        part = answer["content"]
        whole += part.encode() if answer["encoding"] == "text" else base64.b64decode(part)
        assert "full_answer" not in answer
    assert whole == content


def test_an_agent_lists_a_workspace_of_any_size_by_its_pages(world: World) -> None:
    paths = [f"uploads/{index:04}-{'x' * 80}" for index in range(1500)]
    for path in paths:
        world.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/s/{path}", Body=b"")
    found: list[str] = []
    world.forget_calls()
    pages = 1
    answer = agent(world, "workspace_list")
    while True:
        found += [file["path"] for file in answer["files"]]
        assert answer["count"] == len(answer["files"])
        if "next_token" not in answer:
            break
        answer = agent(world, "workspace_list", next_token=answer["next_token"])
        pages += 1
    assert found == paths
    assert pages > 2
    assert world.s3.operations() == ["ListObjectsV2"] * pages


@pytest.mark.parametrize("offset", ["--5", "9" * 5000, "five", "1.5"])
def test_an_agents_number_that_is_none_is_refused(world: World, offset: str) -> None:
    answer = agent(world, "workspace_read", path="uploads/f", offset=offset)
    assert answer["error"]["type"] == "InvalidRequest"
    assert "offset must be an integer" in answer["error"]["message"]


@pytest.mark.parametrize("parameters", ["code", {"code": "1"}, ["code"], [{"value": "1"}], 7])
def test_an_event_that_no_agent_sends_is_explained(world: World, parameters: Any) -> None:
    event = {**agent_event("execute_code"), "parameters": parameters}
    answer = world.function(event, Context())
    body = json.loads(answer["response"]["functionResponse"]["responseBody"]["TEXT"]["body"])
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
    assert listed("paths", paths, text) == expected


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
        Agent(event).request()
    except InvalidRequestError as refused:
        assert "\n" not in refused.message


# Whatever arrives.

# What JSON can spell, halves of surrogate pairs among it.
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


@settings(max_examples=300)
@given(event=DIRECT_EVENTS | AGENT_EVENTS | ANY_JSON, custom=st.none() | CLIENT_CONTEXTS)
def test_any_event_is_answered_and_the_answer_can_be_sent(
    world: World, event: Any, custom: Any
) -> None:
    world.forget_calls()
    context = Context()
    context.client_context = SimpleNamespace(custom=custom)
    answer = world.function(event, context)
    sent = json.dumps(answer, ensure_ascii=False).encode()  # as the managed runtime does
    assert b"failed unexpectedly" not in sent
    if b"InvalidRequest" in sent:
        assert world.agentcore.calls == world.s3.calls == []
