"""The invoke function's responses, its tools' schemas and its log line match the golden files."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk.assertions import Template

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace
from code_interpreter_invoke.requests.tools import TOOLS, converse_tool_config
from tests.fakes.world import World
from tests.golden_files import FOLDER, check_golden
from tests.response_cases import (
    CASES,
    MALFORMED,
    SESSION,
    Case,
)
from tests.sending import invoke, send
from tests.service_shapes import api_spelling

# Texts that differ between runs, and what stands for them in the files.
VARIABLE_TEXTS = (
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00"), "<time>"),
    (re.compile(r"\bline \d+"), "line <n>"),
    (re.compile(r"duration_ms=\d+"), "duration_ms=<n>"),
)
LONG_RUN = re.compile(r"(.)\1{199}")


def normalised(value: Any) -> Any:
    """Return a value with its variable texts replaced and its long runs of a character counted."""
    if isinstance(value, dict):
        return {name: normalised(item) for name, item in value.items()}
    if isinstance(value, list):
        return [normalised(item) for item in value]
    if not isinstance(value, str):
        return value
    text = with_runs_counted(value)
    for pattern, replacement in VARIABLE_TEXTS:
        text = pattern.sub(replacement, text)
    return text


def with_runs_counted(text: str) -> str:
    """Return a text whose runs of 200 equal characters or more are counted instead.

    A run of a given character is found a hundred times as fast as that of any.
    """
    while found := LONG_RUN.search(text):
        character = found[1]
        text = re.sub(
            f"{re.escape(character)}{{200,}}",
            lambda run: f"<{run[0][0]} repeated {len(run[0])} times>",
            text,
        )
    return text


def readable(response: dict[str, Any]) -> dict[str, Any]:
    """Return a response as a golden file holds it, an agent's JSON text as its value."""
    value = json.loads(json.dumps(response))
    if "messageVersion" in value:
        body = value["response"]["functionResponse"]["responseBody"]["TEXT"]
        body["body"] = {"JSON text": json.loads(body["body"])}
    return dict(normalised(value))


def prepared(directory: Path, case: Case) -> World:
    world = World(directory)
    for event in case.before:
        invoke(world, {"session": SESSION, **event})
    for arrange in case.arrange:
        arrange(world)
    return world


@pytest.mark.parametrize("tool", TOOLS)
def test_responses(tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The fake refuses for good what it refuses.
    monkeypatch.setattr("code_interpreter_invoke.clients.code_interpreter.MAX_WAIT", 0)
    cases = [case for case in CASES if case.tool == tool]
    assert cases, f"no row of CASES is about {tool}"
    responses: dict[str, dict[str, Any]] = {case.name: {} for case in cases}
    for number, case in enumerate(cases):
        for caller in case.callers:
            world = prepared(tmp_path / f"{number}-{caller}", case)
            responses[case.name][caller] = readable(send(world, case, caller))
    check_golden(f"responses/{tool}.json", responses)


def test_responses_to_malformed_requests(tmp_path: Path) -> None:
    world = World(tmp_path / "sandboxes")
    responses = {
        name: readable(invoke(world, event, client_context))
        for name, (event, client_context) in MALFORMED.items()
    }
    check_golden("responses/malformed.json", responses)


def test_every_row_and_every_file_is_compared() -> None:
    assert {case.tool for case in CASES} == set(TOOLS)
    names = Counter((case.tool, case.name) for case in CASES)
    assert [name for name, count in names.items() if count > 1] == []
    files = {path.stem for path in (FOLDER / "responses").iterdir()}
    assert files == {*TOOLS, "malformed"}


def test_every_type_of_error_is_in_the_files() -> None:
    text = "".join(path.read_text() for path in (FOLDER / "responses").iterdir())
    assert set(re.findall(r'"type": "([A-Z]\w+)"', text)) == {
        "CodeFailed",
        "InvalidRequest",
        "NotFound",
        "NotStarted",
        "OutcomeUnknown",
        "TimedOut",
    }


def test_schemas_for_converse() -> None:
    check_golden("schemas/converse.json", converse_tool_config())


def test_schemas_for_gateways_and_agents() -> None:
    stack = Stack(App(builtin_cloud_formation_validation=False), "Test")
    function = InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter.from_id(stack, "Interpreter", "theirs-abcdefghij"),
        workspace=Workspace(stack, "Workspace"),
    )
    function.add_gateway_target(agentcore.Gateway(stack, "Gateway"))
    function.add_action_group(bedrock.CfnAgent(stack, "Agent", agent_name="analyst"))
    template = Template.from_stack(stack)
    [target] = template.find_resources("AWS::BedrockAgentCore::GatewayTarget").values()
    [agent] = template.find_resources("AWS::Bedrock::Agent").values()
    configuration = target["Properties"]["TargetConfiguration"]["Mcp"]["Lambda"]
    [group] = agent["Properties"]["ActionGroups"]
    tools = api_spelling(configuration["ToolSchema"]["InlinePayload"])
    check_golden("schemas/gateway.json", tools)
    check_golden("schemas/agent.json", api_spelling(group["FunctionSchema"]))


LOGGED = {
    "success": ("execute_code", "ok", "direct"),
    "success through a gateway": ("execute_code", "ok", "gateway"),
    "success through an agent": ("execute_code", "ok", "agent"),
    "success without session": ("execute_code", "without session", "direct"),
    "saved file": ("execute_code", "output file", "direct"),
    "failure": ("execute_code", "failing", "direct"),
    "restarted": ("execute_code", "session restarted", "direct"),
    "replayed": ("execute_code", "idempotency key repeated", "direct"),
    "truncated": ("execute_code", "too large", "direct"),
    "defect of the function": ("execute_code", "defect of the function", "direct"),
}
OF_EVERY_RECORD = {*vars(logging.makeLogRecord({})), "message"}


def logged(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """Return the one log line as text and as fields, the duration by its type alone."""
    [record] = caplog.records
    fields = {name: item for name, item in vars(record).items() if name not in OF_EVERY_RECORD}
    fields["duration_ms"] = type(fields["duration_ms"]).__name__
    if "_aws" in fields:
        fields["_aws"]["Timestamp"] = type(fields["_aws"]["Timestamp"]).__name__
    return dict(
        normalised({"level": record.levelname, "fields": fields, "text": record.getMessage()})
    )


def test_log_fields(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = {(case.tool, case.name): case for case in CASES}
    lines = {}
    for name, (tool, case_name, caller) in LOGGED.items():
        case = rows[tool, case_name]
        world = prepared(tmp_path / name, case)
        caplog.clear()
        send(world, case, caller)
        lines[name] = logged(caplog)
    for name in ("direct array", "gateway array", "agent unknown function"):
        caplog.clear()
        invoke(World(tmp_path / name), *MALFORMED[name])
        lines[f"malformed: {name}"] = logged(caplog)
    caplog.clear()
    world = prepared(tmp_path / "metrics", rows["execute_code", "failing"])
    world.settings = world.settings._replace(metrics_namespace="Metrics", function_name="invoke-1")
    world.function = world.new_function()
    send(world, rows["execute_code", "failing"], "direct")
    lines["with metrics"] = logged(caplog)
    check_golden("log_fields.json", lines)
