"""CloudFormation creates, updates and deletes code interpreters."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, CfnWaitCondition, CfnWaitConditionHandle, RemovalPolicy, Stack

from cdk_code_interpreter import CodeInterpreter
from local_aws.assembly import DeploymentError
from stacks.code_interpreter_stack import CodeInterpreterStack
from stacks.settings import Settings

from .deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .conftest import Deploy

STACK = "CodeInterpreter"
RESOURCE = "Custom::CodeInterpreter"
PAUSE_SECONDS = 0.1  # between two calls


def stack_with(**properties: Any) -> Callable[[App], object]:
    """Return a function that defines a stack with nothing but a code interpreter."""
    return lambda app: CodeInterpreter(Stack(app, STACK), "One", **properties)


def failures(deployment: Deployment) -> list[str]:
    """Return the reasons of the code interpreter's failures from the stack's events."""
    return [
        event["ResourceStatusReason"]
        for event in deployment.events(STACK)
        if event["ResourceType"] == RESOURCE and event["ResourceStatus"].endswith("_FAILED")
    ]


# Changes


def test_a_change_of_description_replaces_it_while_it_is_used(
    deployment: Deployment, deploy: Deploy
) -> None:
    deploy({"description": "first"})
    before = deployment.only()
    assert deployment.works()
    deployment.invoke(tool="execute_command", session="s", command="true")
    with calling(deployment) as responses:
        deploy({"description": "second"})
    after = deployment.only()
    assert after["description"] == "second"
    assert after["codeInterpreterId"] != before["codeInterpreterId"]
    assert deployment.works()
    used_again = deployment.invoke(tool="execute_command", session="s", command="true")
    assert used_again["session_restarted"]
    # The call that runs while the old one goes is cut off, and says so.
    cut_off = [response["error"]["type"] for response in responses if response["status"] != "ok"]
    assert len(cut_off) <= 1 < len(responses)
    assert set(cut_off) <= {"NotStarted", "OutcomeUnknown"}


@contextmanager
def calling(deployment: Deployment) -> Iterator[list[dict[str, Any]]]:
    """Call the invoke function once, and again and again meanwhile, and yield its responses.

    The function is started by the first call, so that the others take less time than an update.
    Each call has a sandbox of its own; a command needs no kernel in it.
    """
    responses: list[dict[str, Any]] = []
    done = threading.Event()
    # Threads may use clients together, but must not make them at the same time.
    for service in ("cloudformation", "lambda"):
        deployment.client(service)

    def call() -> None:
        responses.append(deployment.invoke(tool="execute_command", command="echo 42"))

    def call_again() -> None:
        while not done.wait(PAUSE_SECONDS):
            call()

    call()
    thread = threading.Thread(target=call_again)
    thread.start()
    try:
        yield responses
    finally:
        done.set()
        thread.join()


def test_a_rename_replaces_it(deployment: Deployment, deploy_stacks: Deploy) -> None:
    deploy_stacks(stack_with(name="before", description="first"))
    before = deployment.only()
    with pytest.raises(
        DeploymentError, match=r"cannot change code interpreter before.*; change Name"
    ):
        deploy_stacks(stack_with(name="before", description="second"))
    assert deployment.status(STACK) == "UPDATE_ROLLBACK_COMPLETE"
    assert deployment.only() == before
    deploy_stacks(stack_with(name="after", description="second"))
    assert deployment.only()["name"] == "after"


def test_an_interpreter_that_leaves_the_stack_is_deleted_or_retained(
    deployment: Deployment, deploy_stacks: Deploy
) -> None:
    def all_three(app: App) -> None:
        stack = Stack(app, STACK)
        for name, policy in {
            "deleted": RemovalPolicy.DESTROY,
            "retained": RemovalPolicy.RETAIN,
            "staying": RemovalPolicy.DESTROY,
        }.items():
            CodeInterpreter(stack, name, removal_policy=policy, description=name)

    deploy_stacks(all_three)
    deploy_stacks(lambda app: CodeInterpreter(Stack(app, STACK), "staying", description="staying"))
    interpreters = deployment.code_interpreters().values()
    kept = sorted(interpreter["description"] for interpreter in interpreters)
    assert kept == ["retained", "staying"]


# Failures


def test_a_failed_create_says_why_and_leaves_nothing(
    deployment: Deployment, deploy_stacks: Deploy
) -> None:
    deployment.agentcore.inject_fault(kind="create_failed", reason="no capacity in use1-az4")
    with pytest.raises(DeploymentError):
        deploy_stacks(stack_with())
    [reason] = failures(deployment)
    assert reason.endswith(" is CREATE_FAILED: no capacity in use1-az4")
    assert deployment.status(STACK) == "ROLLBACK_COMPLETE"
    assert deployment.code_interpreters() == {}
    deployment.destroy()


def test_a_change_of_tags_and_a_failed_update_leave_the_old_one(
    deployment: Deployment, deploy: Deploy
) -> None:
    deploy({"description": "first", "tags": {"team": "data", "stage": "test"}})
    created = deployment.only()["codeInterpreterId"]
    deployment.invoke(tool="execute_command", session="s", command="echo 42 > result.txt")
    deploy({"description": "first", "tags": {"team": "science"}})
    before = deployment.only()
    assert before["codeInterpreterId"] == created
    assert deployment.tags(before["codeInterpreterArn"]) == {"team": "science"}
    deployment.agentcore.inject_fault(kind="create_failed", reason="no capacity in use1-az4")
    with pytest.raises(DeploymentError):
        deploy({"description": "second"})
    [reason] = failures(deployment)
    assert reason.endswith(" is CREATE_FAILED: no capacity in use1-az4")
    assert deployment.status(STACK) == "UPDATE_ROLLBACK_COMPLETE"
    assert deployment.only() == before
    after = deployment.invoke(tool="execute_command", session="s", command="cat result.txt")
    assert after["stdout"].strip() == "42"
    deploy({"description": "third"})
    assert deployment.only()["description"] == "third"


def test_an_update_that_fails_after_the_replacement_returns_to_the_old_one(
    deployment: Deployment, deploy_stacks: Deploy
) -> None:
    """The update fails before the invoke function changes, which works all the time."""

    def failing(app: App) -> None:
        stack = CodeInterpreterStack(app, STACK, settings=Settings(description="second"))
        function = stack.invoke_function
        handle = CfnWaitConditionHandle(stack, "Handle").ref
        signal = CfnWaitCondition(stack, "Signal", handle=handle, timeout="2")
        signal.node.add_dependency(stack.code_interpreter, function.node.find_child("UsePolicy"))
        function.function.node.add_dependency(signal)

    deploy_stacks(
        lambda app: CodeInterpreterStack(app, STACK, settings=Settings(description="first"))
    )
    before = deployment.only()
    with calling(deployment) as responses, pytest.raises(DeploymentError, match="Signal"):
        deploy_stacks(failing)
    assert failures(deployment) == []
    assert deployment.status(STACK) == "UPDATE_ROLLBACK_COMPLETE"
    assert deployment.only() == before
    assert len(responses) > 1
    assert [response for response in responses if response["status"] != "ok"] == []


def test_a_deletion_that_aws_cannot_finish_says_why(
    deployment: Deployment, deploy_stacks: Deploy
) -> None:
    deploy_stacks(stack_with())
    deployment.agentcore.inject_fault(kind="delete_failed", reason="a network interface is in use")
    with pytest.raises(DeploymentError, match="cannot be deleted: a network interface is in use"):
        deployment.destroy()
    assert deployment.status(STACK) == "DELETE_FAILED"


# Deletion


def test_live_sessions_do_not_keep_it(deployment: Deployment, deploy_stacks: Deploy) -> None:
    deploy_stacks(stack_with())
    interpreter_id = deployment.only()["codeInterpreterId"]
    for _ in range(3):
        deployment.start_session(interpreter_id)
    deployment.destroy()
    assert deployment.code_interpreters() == {}
    assert deployment.live_sessions(interpreter_id) == 0


def test_an_interpreter_that_was_deleted_by_hand_does_not_block_the_deletion(
    deployment: Deployment, deploy_stacks: Deploy
) -> None:
    deploy_stacks(stack_with())
    deployment.client("bedrock-agentcore-control").delete_code_interpreter(
        codeInterpreterId=deployment.only()["codeInterpreterId"]
    )
    deployment.destroy()
    assert deployment.code_interpreters() == {}
