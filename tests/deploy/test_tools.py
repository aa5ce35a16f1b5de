"""Every tool and every kind of caller, through Lambda's API and with authorisation on."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, CfnOutput, Duration
from aws_cdk import aws_stepfunctions as sfn

from cdk_code_interpreter import CommandTask
from code_interpreter_invoke.tools import TOOLS
from stacks.code_interpreter_stack import CodeInterpreterStack
from stacks.settings import Settings

from .deployment import Deployment, synthesise

if TYPE_CHECKING:
    from local_aws import LocalAws

ACCOUNT = "200000000000"
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
TIMEOUT_SECONDS = 30
POLL_SECONDS = 0.1


@pytest.fixture(scope="module")
def deployed(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment = Deployment(local_aws, ACCOUNT)
    deployment.deploy(synthesise(define, tmp_path_factory.mktemp("assembly")))
    return deployment


def define(app: App) -> None:
    """The project's stack, and state machines that run a command."""
    stack = CodeInterpreterStack(app, "CodeInterpreter", settings=Settings())
    for name, timeout in (("Patient", Duration.minutes(1)), ("Hasty", Duration.seconds(1))):
        task = CommandTask(
            stack,
            f"{name}Task",
            function=stack.invoke_function,
            session="{% $states.input.session %}",
            command="{% $states.input.command %}",
            poll_interval=Duration.seconds(1),
            timeout=timeout,
        )
        body = sfn.DefinitionBody.from_chainable(task)
        machine = sfn.StateMachine(stack, f"{name}Machine", definition_body=body)
        CfnOutput(stack, name, value=machine.state_machine_arn)


# What is called, and a part of its answer; each call works with what those before it left.
TOOL_CALLS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"tool": "start_session", "session_timeout_seconds": 600}, {"session_status": "READY"}),
    ({"tool": "get_session"}, {"session_status": "READY"}),
    (
        {"tool": "workspace_write", "path": "uploads/in.txt", "content": "6 7"},
        {"status": "ok"},
    ),
    (
        {
            "tool": "execute_code",
            "code": "a, b = map(int, open('in.txt').read().split())\n"
            "open('out.txt', 'w').write(str(a * b))\nprint(a * b)",
            "output_filename": "out.txt",
        },
        {"stdout": "42", "files_saved": ["code-interpreter/out.txt"]},
    ),
    ({"tool": "execute_command", "command": "cat out.txt"}, {"exit_code": 0, "stdout": "42"}),
    (
        {
            "tool": "file_operations",
            "operation": "write",
            "content": [{"path": "more.txt", "text": "more"}],
        },
        {"status": "ok"},
    ),
    ({"tool": "ci_push_to_workspace", "paths": ["more.txt"]}, {"status": "ok"}),
    ({"tool": "workspace_list", "path": "code-interpreter"}, {"count": 2}),
    ({"tool": "workspace_read", "path": "code-interpreter/more.txt"}, {"content": "more"}),
    (
        {
            "tool": "invoke_code_interpreter",
            "name": "executeCode",
            "arguments": {"code": "print(a)", "language": "python"},
        },
        {"isError": False},
    ),
    ({"tool": "list_sessions"}, {"status": "ok"}),
    ({"tool": "stop_session"}, {"stopped": True}),
]


def test_every_tool(deployed: Deployment) -> None:
    assert {call["tool"] for call, _ in TOOL_CALLS} == set(TOOLS)
    for call, expected in TOOL_CALLS:
        answer = deployed.invoke(session="tools", **call)
        assert answer["status"] == "ok", (call, answer)
        assert expected.items() <= answer.items(), (call, answer)


def test_a_gateway_call(deployed: Deployment) -> None:
    """The tool's name and the session are in the client context, the arguments are the event."""
    custom = {
        "bedrockAgentCoreToolName": "code-interpreter___execute_code",
        "bedrockAgentCorePropagatedHeaders": {"x-code-interpreter-session": "gateway"},
    }
    context = base64.b64encode(json.dumps({"custom": custom}).encode()).decode()
    answers = [
        sent(deployed, {"code": code}, ClientContext=context) for code in ("x = 41", "print(x + 1)")
    ]
    assert [answer["session"] for answer in answers] == ["gateway", "gateway"]
    assert answers[1]["stdout"] == "42"


def test_a_bedrock_agents_call(deployed: Deployment) -> None:
    event = {
        "messageVersion": "1.0",
        "actionGroup": "code",
        "function": "execute_code",
        "sessionId": "agent",
        "parameters": [{"name": "code", "type": "string", "value": "print(6 * 7)"}],
        "sessionAttributes": {"user": "u"},
    }
    answer = sent(deployed, event)
    assert answer["sessionAttributes"] == {"user": "u"}
    assert answer["response"]["function"] == "execute_code"
    body = json.loads(answer["response"]["functionResponse"]["responseBody"]["TEXT"]["body"])
    assert (body["status"], body["stdout"]) == ("ok", "42")


def test_an_asynchronous_call_runs_once_however_often_it_arrives(deployed: Deployment) -> None:
    event = {
        "tool": "execute_code",
        "session": "events",
        "idempotency_key": "once",
        "code": "open('ran.txt', 'a').write('ran ')\nprint('ran')",
        "output_filename": "ran.txt",
    }
    client = deployed.client("lambda")
    name = deployed.outputs()["InvokeFunctionName"]
    for _ in range(2):
        sending = client.invoke(
            FunctionName=name, InvocationType="Event", Payload=json.dumps(event)
        )
        assert sending["StatusCode"] == 202
    deployed.client("s3").get_waiter("object_exists").wait(
        Bucket=deployed.outputs()["WorkspaceBucketName"],
        Key="workspace/events/code-interpreter/ran.txt",
        WaiterConfig={"Delay": 1, "MaxAttempts": TIMEOUT_SECONDS},
    )
    answer = deployed.invoke(**event)
    assert (answer["replayed"], answer["stdout"]) == (True, "ran")
    read = deployed.invoke(tool="execute_command", session="events", command="cat ran.txt")
    assert read["stdout"].strip() == "ran"


def test_lambda_is_told_not_to_repeat_events(deployed: Deployment) -> None:
    settings = deployed.client("lambda").get_function_event_invoke_config(
        FunctionName=deployed.outputs()["InvokeFunctionName"], Qualifier="$LATEST"
    )
    assert settings["MaximumRetryAttempts"] == 0


def test_a_state_machine_runs_a_command(deployed: Deployment) -> None:
    execution = executed(deployed, "Patient", "sleep 1; echo done; echo ran >> ran.txt")
    assert execution["status"] == "SUCCEEDED", execution
    output = json.loads(execution["output"])
    assert (output["session"], output["exit_code"]) == ("states", 0)
    assert output["stdout"].strip() == "done"
    read = deployed.invoke(tool="execute_command", session="states", command="cat ran.txt")
    assert read["stdout"].split() == ["ran"]


def test_a_state_machine_fails_with_its_command(deployed: Deployment) -> None:
    execution = executed(deployed, "Patient", "echo canary; exit 3")
    assert execution["status"] == "FAILED", execution
    assert (execution["error"], execution["cause"]) == ("CodeFailed", "exit code 3")


def test_a_state_machine_stops_a_command_that_takes_too_long(deployed: Deployment) -> None:
    execution = executed(deployed, "Hasty", "sleep 60")
    assert (execution["status"], execution["error"]) == ("FAILED", "TimedOut"), execution
    started = output_of(deployed, execution["executionArn"], "HastyTask: Start")
    task = deployed.invoke(
        tool="invoke_code_interpreter",
        session="states",
        name="getTask",
        arguments={"taskId": started["task_id"]},
    )
    assert task["structuredContent"]["taskStatus"] == "canceled"


def test_nothing_was_denied(deployed: Deployment) -> None:
    """Of all that the calls above did."""
    deployed.invoke(tool="execute_code", session="denied", code="1")
    outcomes = deployed.decisions(deployed.role_of("InvokeFunction"))
    assert outcomes
    assert [one for one in outcomes if one["decision"] != "Allow"] == []


def sent(deployed: Deployment, event: dict[str, Any], **options: str) -> dict[str, Any]:
    """The function's answer to an event that is no request of our own."""
    answer = deployed.client("lambda").invoke(
        FunctionName=deployed.outputs()["InvokeFunctionName"],
        Payload=json.dumps(event),
        **options,
    )
    result: dict[str, Any] = json.load(answer["Payload"])
    assert "FunctionError" not in answer, result
    return result


def executed(deployed: Deployment, machine: str, command: str) -> dict[str, Any]:
    """The ended execution of a state machine."""
    states = deployed.client("stepfunctions")
    arn = states.start_execution(
        stateMachineArn=deployed.outputs()[machine],
        input=json.dumps({"session": "states", "command": command}),
    )["executionArn"]
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        execution: dict[str, Any] = states.describe_execution(executionArn=arn)
        if execution["status"] in ENDED:
            return execution
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"{machine} still runs")


def output_of(deployed: Deployment, execution: str, state: str) -> dict[str, Any]:
    """What a state of an execution passed on."""
    pages = deployed.client("stepfunctions").get_paginator("get_execution_history")
    [output] = [
        json.loads(event["stateExitedEventDetails"]["output"])
        for event in pages.paginate(executionArn=execution).search("events[]")
        if event.get("stateExitedEventDetails", {}).get("name") == state
    ]
    found: dict[str, Any] = output
    return found
