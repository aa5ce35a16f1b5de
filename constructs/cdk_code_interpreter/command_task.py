"""Commands that take longer than a Lambda function may, as states of a state machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from ._private.validation import check_duration
from .invoke_function import InvokeFunction
from .limits import MAX_SESSION_SECONDS

# A command ends with its session.
_MAX_TIMEOUT_SECONDS = MAX_SESSION_SECONDS
_DEFAULT_TIMEOUT = Duration.seconds(_MAX_TIMEOUT_SECONDS)
_DEFAULT_POLL_INTERVAL = Duration.seconds(15)

# Of the fragment's own data, which every state but the first has as its input: session, command,
# key and timeout_seconds until the command is started; from then on session, task_id, deadline (in
# milliseconds) and answer, the last of the invoke function's. Members that an answer does not have
# are left out of JSONata objects.
_INPUT = "$states.input"
_ANSWER = "$states.result.Payload"
_RESULT = f"{_INPUT}.answer.structuredContent"
_STARTED = f"""{{% {{
    "session": {_INPUT}.session,
    "task_id": {_ANSWER}.structuredContent.taskId,
    "deadline": $millis() + {_INPUT}.timeout_seconds * 1000,
    "answer": {_ANSWER}
}} %}}"""
_ASKED = f"""{{% {{
    "session": {_INPUT}.session,
    "task_id": {_INPUT}.task_id,
    "deadline": {_INPUT}.deadline,
    "answer": {_ANSWER}
}} %}}"""
_COMPLETED = f"{_INPUT}.answer.status = 'ok' and {_RESULT}.taskStatus = 'completed'"
# An answer that did not come says nothing about the command.
_RUNNING = (
    f"$exists({_INPUT}.task_id) and ({_RESULT}.taskStatus in ['submitted', 'working'] or "
    f"{_INPUT}.answer.error.type in ['NotStarted', 'OutcomeUnknown', 'TimedOut'])"
)
_OUTPUT = f"""{{% {{
    "session": {_INPUT}.session,
    "task_id": {_INPUT}.task_id,
    "exit_code": {_RESULT}.exitCode,
    "stdout": {_RESULT}.stdout,
    "stderr": {_RESULT}.stderr,
    "execution_time": {_RESULT}.executionTime
}} %}}"""
# Messages repeat what the command printed; a type and an exit code do not.
_ERROR = (
    f"{{% {_RESULT}.taskStatus = 'canceled' ? 'Canceled' : "
    f"$exists({_INPUT}.answer.error.type) ? {_INPUT}.answer.error.type : 'CodeFailed' %}}"
)
_CAUSE = (
    f"{{% $exists({_RESULT}.exitCode) ? 'exit code ' & $string({_RESULT}.exitCode) "
    ": 'no exit code' %}"
)


class CommandTask(sfn.StateMachineFragment):
    """Define states that run a command in the background of a session and wait for its end.

    Their output is the command's `session`, `task_id`, `exit_code`, `stdout`, `stderr` and
    `execution_time`, as far as the service tells them. Step Functions takes answers up to 256 KiB,
    which hold output twice: a command that prints more than 100 KiB should write a file instead.

    The execution fails with one of these errors and the exit code as its cause:

    - `CodeFailed`: the command ended with another exit code than 0.
    - `Canceled`: somebody stopped it.
    - `TimedOut`: it took longer than `timeout`, and was stopped.
    - `NotFound`: its session ended before it did.
    - `NotStarted`, `InvalidRequest`: it was not started.
    - `OutcomeUnknown`: it may have been started.

    To catch one of them, or to keep the input of the states, make one state of the fragment with
    `to_single_state()`. However often Step Functions repeats a call, the command is started once.

    :param function: What runs the command. The state machine may invoke it.
    :param session: The session's name: text, or a JSONata or JSONPath expression on the input of
        the fragment. A session without a sandbox gets one. A command ends with its sandbox, so
        one that may outlast the function's `session_timeout` needs the tool `start_session` before.
    :param command: The command line: text or an expression, in the same query language.
    :param poll_interval: Between two looks at the command, from 1 second. Default: 15 seconds.
    :param timeout: 1 second to 8 hours, as long as a session can live. Default: 8 hours.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: InvokeFunction,
        session: str,
        command: str,
        poll_interval: Duration = _DEFAULT_POLL_INTERVAL,
        timeout: Duration = _DEFAULT_TIMEOUT,
    ) -> None:
        check_duration("poll_interval", poll_interval, _MAX_TIMEOUT_SECONDS)
        check_duration("timeout", timeout, _MAX_TIMEOUT_SECONDS)
        super().__init__(scope, construct_id)
        self._function = function
        self._prepare = self._prepared(session, command, timeout)
        start = self._call(
            "Start",
            "startCommandExecution",
            {"command": f"{{% {_INPUT}.command %}}"},
            outputs=_STARTED,
            idempotency_key=f"{{% {_INPUT}.key %}}",
        )
        wait = sfn.Wait.jsonata(self, "Wait", time=sfn.WaitTime.duration(poll_interval))
        task = {"taskId": f"{{% {_INPUT}.task_id %}}"}
        ask = self._call("Ask", "getTask", task, outputs=_ASKED)
        stop = self._call("Stop", "stopTask", task)
        timed_out = sfn.Fail.jsonata(
            self, "Timed out", error="TimedOut", cause="the command took longer than its timeout"
        )
        failed = sfn.Fail.jsonata(self, "Failed", error=_ERROR, cause=_CAUSE)
        self._result = sfn.Pass.jsonata(self, "Result", outputs=_OUTPUT)
        in_time = f"$millis() < {_INPUT}.deadline"
        ended = (
            sfn.Choice.jsonata(self, "Ended?")
            .when(_condition(_COMPLETED), self._result)
            .when(_condition(f"({_RUNNING}) and {in_time}"), wait)
            .when(_condition(_RUNNING), stop)
            .otherwise(failed)
        )
        self._prepare.next(start)
        start.next(ended)
        wait.next(ask)
        ask.next(ended)
        stop.add_catch(timed_out)
        stop.next(timed_out)
        # A state machine can have several of these.
        self.prefix_states()

    @property
    def start_state(self) -> sfn.State:
        return self._prepare

    @property
    def end_states(self) -> list[sfn.INextable]:
        return [self._result]

    def _prepared(self, session: str, command: str, timeout: Duration) -> sfn.Pass:
        """The one state whose query language is the caller's."""
        given = {
            "session": session,
            "command": command,
            "timeout_seconds": timeout.to_seconds(),
        }
        paths = [value for value in (session, command) if sfn.JsonPath.is_encoded_json_path(value)]
        if not paths:
            return sfn.Pass.jsonata(self, "Prepare", outputs={**given, "key": "{% $uuid() %}"})
        for name, value in (("session", session), ("command", command)):
            if value.startswith("{%"):
                raise ValueError(
                    f"{name} is {value!r}, which is JSONata, but the other is JSONPath; "
                    "use one query language for both"
                )
        return sfn.Pass.json_path(self, "Prepare", parameters={**given, "key": sfn.JsonPath.uuid()})

    def _call(
        self,
        name: str,
        operation: str,
        arguments: Mapping[str, str],
        *,
        outputs: str | None = None,
        **more: str,
    ) -> tasks.LambdaInvoke:
        event: dict[str, Any] = {
            "tool": "invoke_code_interpreter",
            "session": f"{{% {_INPUT}.session %}}",
            "name": operation,
            "arguments": arguments,
            **more,
        }
        call = tasks.LambdaInvoke.jsonata(
            self,
            name,
            lambda_function=self._function.function,
            payload=sfn.TaskInput.from_object(event),
            outputs=outputs,
        )
        call.add_retry(errors=["Lambda.TooManyRequestsException"], max_attempts=10)
        return call


def _condition(expression: str) -> sfn.Condition:
    return sfn.Condition.jsonata(f"{{% {expression} %}}")
