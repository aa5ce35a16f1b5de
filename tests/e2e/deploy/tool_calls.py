"""The deployment that the tests of the tools share, and the ways to call it."""

from __future__ import annotations

import base64
import functools
import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

from aws_cdk import App, CfnOutput, Duration, Stack
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from cdk_code_interpreter import CommandTask, InvokeFunction
from stacks.code_interpreter_stack import CodeInterpreterStack
from stacks.settings import Settings

from .deployment import Deployment

ACCOUNT = "210000000000"
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
TIMEOUT_SECONDS = 60
POLL_SECONDS = 0.05
# The timeout of the other function, so that its unfinished calls soon count as ended.
OTHER_SECONDS = 10

T = TypeVar("T")
Response = dict[str, Any]
# Calls a tool in a session with arguments, and returns the response.
Caller = Callable[..., Response]


def define(app: App) -> None:
    """Define the project's stack, state machines, and a function that has little time."""
    stack = CodeInterpreterStack(app, "CodeInterpreter", settings=Settings())
    add_command_machine(stack, "Patient", timeout=Duration.minutes(1))
    add_command_machine(stack, "Hasty", timeout=Duration.seconds(1))
    add_command_machine(
        stack,
        "Paths",
        session=sfn.JsonPath.string_at("$.session"),
        command=sfn.JsonPath.format("{}; echo end", sfn.JsonPath.string_at("$.command")),
    )
    call = tasks.LambdaInvoke.jsonata(
        stack,
        "Call",
        lambda_function=stack.invoke_function.function,
        payload=sfn.TaskInput.from_text("{% $states.input %}"),
        outputs="{% $states.result.Payload %}",
    )
    add_machine(stack, "Caller", call)
    other = InvokeFunction(
        stack,
        "Other",
        code_interpreter=stack.code_interpreter,
        workspace=stack.workspace,
        timeout=Duration.seconds(OTHER_SECONDS),
    )
    CfnOutput(stack, "OtherFunctionName", value=other.function.function_name)


def add_command_machine(stack: CodeInterpreterStack, name: str, **properties: Any) -> None:
    given = {
        "session": "{% $states.input.session %}",
        "command": "{% $states.input.command %}",
        "poll_interval": Duration.seconds(1),
        "timeout": Duration.minutes(40),
        **properties,
    }
    add_machine(
        stack, name, CommandTask(stack, f"{name}Task", function=stack.invoke_function, **given)
    )


def add_machine(stack: Stack, name: str, states: sfn.IChainable) -> None:
    body = sfn.DefinitionBody.from_chainable(states)
    machine = sfn.StateMachine(stack, f"{name}Machine", definition_body=body)
    CfnOutput(stack, name, value=machine.state_machine_arn)


@functools.cache
def client(deployed: Deployment, service: str) -> Any:
    """Return a client, which is made once for the many calls."""
    return deployed.client(service)


@functools.cache
def output(deployed: Deployment, name: str) -> str:
    return deployed.outputs()[name]


def sent(
    deployed: Deployment, event: Any, *, function: str = "InvokeFunctionName", **options: str
) -> Response:
    """Send an event and return the response; `function` is the output that names the function."""
    response = client(deployed, "lambda").invoke(
        FunctionName=output(deployed, function), Payload=json.dumps(event), **options
    )
    result: Response = json.load(response["Payload"])
    assert "FunctionError" not in response, result
    return result


def executed(deployed: Deployment, machine: str, given: Any) -> dict[str, Any]:
    """Execute a state machine, and return the ended execution."""
    states = client(deployed, "stepfunctions")
    arn = states.start_execution(
        stateMachineArn=output(deployed, machine), input=json.dumps(given)
    )["executionArn"]

    def ended() -> dict[str, Any] | None:
        execution: dict[str, Any] = states.describe_execution(executionArn=arn)
        return execution if execution["status"] in ENDED else None

    return until(ended)


def until(found: Callable[[], T | None]) -> T:
    """Call `found` until it returns a value, and return that."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        result = found()
        if result is not None:
            return result
        time.sleep(POLL_SECONDS)
    raise AssertionError("waited in vain")


# Callers.


def directly(deployed: Deployment, session: str, tool: str, **arguments: Any) -> Response:
    return sent(deployed, {"tool": tool, "session": session, **arguments})


def through_states(deployed: Deployment, session: str, tool: str, **arguments: Any) -> Response:
    """Call a tool in a task of a state machine."""
    execution = executed(deployed, "Caller", {"tool": tool, "session": session, **arguments})
    assert execution["status"] == "SUCCEEDED", execution
    response: Response = json.loads(execution["output"])
    return response


def through_gateway(deployed: Deployment, session: str, tool: str, **arguments: Any) -> Response:
    """Call a tool as a Gateway does: its name and the session are in the client context."""
    custom = {
        "bedrockAgentCoreToolName": f"code-interpreter___{tool}",
        "bedrockAgentCorePropagatedHeaders": {"x-code-interpreter-session": session},
    }
    context = base64.b64encode(json.dumps({"custom": custom}).encode()).decode()
    return sent(deployed, arguments, ClientContext=context)


def through_agent(deployed: Deployment, session: str, tool: str, **arguments: Any) -> Response:
    """Call a tool as a Bedrock agent does: all values are text, and so is the response's body."""
    event = {
        "messageVersion": "1.0",
        "agent": {"name": "a", "id": "AGENT", "alias": "ALIAS", "version": "1"},
        "inputText": "please",
        "actionGroup": "code-interpreter",
        "function": tool,
        "sessionId": session,
        "parameters": [
            {"name": name, "type": "string", "value": as_agents_write(value)}
            for name, value in arguments.items()
        ],
        "sessionAttributes": {"user": "u"},
    }
    response = sent(deployed, event)
    assert response["sessionAttributes"] == {"user": "u"}
    assert response["response"]["function"] == tool
    body: Response = json.loads(
        response["response"]["functionResponse"]["responseBody"]["TEXT"]["body"]
    )
    return body


def as_agents_write(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return f"[{', '.join(value)}]"
    return json.dumps(value)


CALLERS: dict[str, Caller] = {
    "direct": directly,
    "states": through_states,
    "gateway": through_gateway,
    "agent": through_agent,
}


# The emulator's records.


def executions(deployed: Deployment, session_id: str) -> int:
    """Return how often a sandbox ran code of the user's.

    The first code in each sandbox is the function's own, which installs the observer.
    """
    return (
        sum(
            (call["session_id"], call["tool"], call["took_effect"])
            == (session_id, "executeCode", True)
            for call in deployed.agentcore.calls()
        )
        - 1
    )


def is_busy(deployed: Deployment, session_id: str) -> bool:
    return any(
        session["sessionId"] == session_id and session["callsInFlight"]
        for session in deployed.agentcore.state()["sessions"]
    )
