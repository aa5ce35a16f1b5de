"""startCommandExecution, getTask and stopTask."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from tests.integration.emulator.sandbox.conftest import Sandboxes, StartedSandbox


def start(sandbox: StartedSandbox, command: str) -> str:
    result = sandbox.invoke("startCommandExecution", command=command)
    number = result["structuredContent"].pop("taskId")
    assert result == {
        "content": [{"type": "text", "text": "Successfully started a command execution task"}],
        "structuredContent": {"taskStatus": "submitted", "stdout": "", "stderr": ""},
        "isError": False,
    }
    assert str(UUID(number)) == number
    return str(number)


def finished(sandbox: StartedSandbox, number: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        result = sandbox.invoke("getTask", taskId=number)
        if result["structuredContent"]["taskStatus"] != "working":
            return result
        sandbox.command("sleep 0.02")
    raise AssertionError("the task does not end")


def test_a_task_works_and_completes(sandbox: StartedSandbox) -> None:
    number = start(sandbox, "echo begun; until test -e go-on; do sleep 0.01; done; echo over")
    assert sandbox.invoke("getTask", taskId=number) == {
        "content": [{"type": "text", "text": "Task is working"}],
        "structuredContent": {"taskStatus": "working", "stdout": "", "stderr": ""},
        "isError": False,
    }
    sandbox.command("touch go-on")
    result = finished(sandbox, number)
    assert result["structuredContent"].pop("executionTime") > 0
    assert result == {
        "content": [{"type": "text", "text": "begun\r\nover\r\n"}],
        "structuredContent": {
            "taskStatus": "completed",
            "stdout": "begun\r\nover\r\n",
            "stderr": "",
            "exitCode": 0,
        },
        "isError": False,
    }


def test_a_task_that_has_ended_cannot_be_stopped(sandbox: StartedSandbox) -> None:
    number = start(sandbox, "true")
    finished(sandbox, number)
    assert sandbox.invoke("stopTask", taskId=number) == {
        "content": [
            {
                "type": "text",
                "text": "Task cannot be canceled (current status: TaskStatus.COMPLETED)",
            }
        ],
        "isError": True,
    }


def test_stopping_a_task_ends_its_processes(sandbox: StartedSandbox) -> None:
    before = sandbox.sandbox.process_ids()
    number = start(sandbox, "trap '' TERM INT HUP; (setsid sleep 60 &) ; sleep 60")
    assert sandbox.invoke("stopTask", taskId=number) == {
        "content": [{"type": "text", "text": "Successfully canceled a command execution task"}],
        "isError": False,
    }
    assert sandbox.sandbox.process_ids() == before
    result = sandbox.invoke("getTask", taskId=number)
    assert result["structuredContent"]["taskStatus"] == "canceled"
    again = sandbox.invoke("stopTask", taskId=number)
    assert again["isError"] is True
    assert "TaskStatus.CANCELED" in again["content"][0]["text"]


def test_a_command_that_fails_is_a_task_that_failed(sandbox: StartedSandbox) -> None:
    result = finished(sandbox, start(sandbox, "echo no; exit 4"))
    assert result["isError"] is True
    content = result["structuredContent"]
    assert (content["taskStatus"], content["exitCode"]) == ("failed", 4)
    assert (content["stdout"], content["stderr"]) == ("", "no\r\n")


def test_a_command_that_fails_may_be_a_task_that_completed(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(failed_task_status="completed")
    result = finished(sandbox, start(sandbox, "exit 4"))
    assert result["structuredContent"]["taskStatus"] == "completed"


def test_an_unknown_task_is_an_error(sandbox: StartedSandbox) -> None:
    for name in ("getTask", "stopTask"):
        result = sandbox.invoke(name, taskId="no-such-task")
        assert result["isError"] is True
        assert "structuredContent" not in result
        assert "no-such-task" in result["content"][0]["text"]


def test_tasks_run_beside_other_calls(sandbox: StartedSandbox) -> None:
    number = start(sandbox, "sleep 60")
    assert sandbox.command("echo 1")["isError"] is False
    assert sandbox.python("1")["isError"] is False
    assert sandbox.invoke("getTask", taskId=number)["structuredContent"]["taskStatus"] == "working"
    sandbox.invoke("stopTask", taskId=number)
